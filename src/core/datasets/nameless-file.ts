import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A temporary file that has no name any more once it is open: a killed process leaves nothing. */
export class NamelessFile {
  readonly #file: number

  constructor(folder: string = tmpdir()) {
    const own = mkdtempSync(join(folder, 'gradstr-rows-'))
    try {
      this.#file = openSync(join(own, 'rows'), 'wx+')
    } finally {
      rmSync(own, { recursive: true, force: true })
    }
  }

  append(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at)
  }

  /** Fills `bytes` from `position` on. */
  read(bytes: Uint8Array, position: number): void {
    for (let at = 0; at < bytes.length; ) {
      const read = readSync(this.#file, bytes, at, bytes.length - at, position + at)
      if (read === 0) throw new Error('the temporary file of rows ended early')
      at += read
    }
  }

  close(): void {
    closeSync(this.#file)
  }
}
