import { closeSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeWholeSync } from '../../shared/writing.ts'

/** A temporary file that has no name any more once it is open: a killed process leaves nothing. */
export class NamelessFile {
  readonly descriptor: number

  constructor(folder: string = tmpdir()) {
    const own = mkdtempSync(join(folder, 'gradstr-rows-'))
    try {
      this.descriptor = openSync(join(own, 'rows'), 'wx+')
    } finally {
      rmSync(own, { recursive: true, force: true })
    }
  }

  append(bytes: Uint8Array): void {
    writeWholeSync(this.descriptor, bytes)
  }

  /** Fills `bytes` from `position` on. */
  read(bytes: Uint8Array, position: number): void {
    readWhole(this.descriptor, bytes, position)
  }

  close(): void {
    closeSync(this.descriptor)
  }
}

/** Fills `bytes` from an open file's `position` on. */
export function readWhole(file: number, bytes: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.length; ) {
    const read = readSync(file, bytes, at, bytes.length - at, position + at)
    if (read === 0) throw new Error('the temporary file of rows ended early')
    at += read
  }
}
