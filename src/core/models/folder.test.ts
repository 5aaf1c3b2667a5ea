import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkOut, publishFolder } from './folder.ts'

let root: string
let out: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'gradstr-folder-'))
  out = join(root, 'model')
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function actAsNobody(): () => void {
  if (process.geteuid?.() !== 0) return () => undefined
  process.seteuid?.(65_534)
  return () => process.seteuid?.(0)
}

const model = (version: string) => async (folder: string) => {
  await writeFile(join(folder, 'config.json'), JSON.stringify({ format: 'gradstr-model', version }))
  await writeFile(join(folder, 'model.onnx'), version)
}

describe('a model folder', () => {
  it('appears with its parents, and replaces the model that was there', async () => {
    await publishFolder(join(root, 'a', 'b'), model('one'))
    await publishFolder(join(root, 'a', 'b'), model('two'))
    expect(readFileSync(join(root, 'a', 'b', 'model.onnx'), 'utf8')).toBe('two')
    expect(readdirSync(join(root, 'a'))).toEqual(['b'])
  })

  it('may take the place of an empty folder', async () => {
    mkdirSync(out)
    await publishFolder(out, model('one'))
    expect(readdirSync(out).sort()).toEqual(['config.json', 'model.onnx'])
  })

  it('leaves the old model and nothing else when the new one fails half way', async () => {
    await publishFolder(out, model('one'))
    const failing = publishFolder(out, async folder => {
      await model('two')(folder)
      throw new Error('disk full')
    })
    await expect(failing).rejects.toThrow('disk full')
    expect(readFileSync(join(out, 'model.onnx'), 'utf8')).toBe('one')
    expect(readdirSync(root)).toEqual(['model'])
  })
})

describe('a folder that cannot be written is refused', () => {
  it('before the work begins, where a part of its path is a file', async () => {
    writeFileSync(join(root, 'notes'), 'mine')
    const inFile = join(root, 'notes', 'model')
    const refused = { code: 'models/not-writable', message: expect.stringContaining('a file, not a folder') }
    await expect(checkOut(inFile)).rejects.toMatchObject(refused)
    await expect(publishFolder(inFile, model('one'))).rejects.toMatchObject(refused)
  })

  it('before the work begins, where its owner forbids it', async () => {
    chmodSync(root, 0o555)
    // Nothing is forbidden to root.
    const restore = actAsNobody()
    try {
      await expect(checkOut(join(out, 'deep'))).rejects.toMatchObject({ code: 'models/not-writable' })
    } finally {
      restore()
      chmodSync(root, 0o700)
    }
  })

  it.each([
    ['ENOSPC', 'models/disk-full'],
    ['EROFS', 'models/not-writable'],
  ])('with %s as %s', async (system, code) => {
    const failing = publishFolder(out, () =>
      Promise.reject(Object.assign(new Error(system), { code: system })),
    )
    await expect(failing).rejects.toMatchObject({ code })
    expect(readdirSync(root)).toEqual([])
  })
})

describe('a folder that holds something else is refused, and left as it is:', () => {
  const cases: [string, () => void, RegExp][] = [
    ['a file', () => writeFileSync(out, 'x'), /it is a file/],
    ['a folder of holiday photos', () => filled({ 'beach.jpg': 'x' }), /"beach\.jpg"/],
    [
      "another program's config.json",
      () => filled({ 'config.json': '{"format":"other"}' }),
      /not a Gradstr model/,
    ],
    [
      'a model with a note beside it',
      () => filled({ 'config.json': '{"format":"gradstr-model"}', 'note.txt': 'mine' }),
      /"note\.txt"/,
    ],
  ]
  const filled = (files: Record<string, string>) => {
    mkdirSync(out)
    for (const [name, text] of Object.entries(files)) writeFileSync(join(out, name), text)
  }
  it.each(cases)('%s', async (_, make, message) => {
    make()
    const taken = { code: 'models/folder-taken', message: expect.stringMatching(message) }
    await expect(checkOut(out)).rejects.toMatchObject(taken)
    await expect(publishFolder(out, model('new'))).rejects.toMatchObject(taken)
    expect(readdirSync(root)).toEqual(['model'])
  })
})
