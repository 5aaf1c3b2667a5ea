import { HDKey } from '@scure/bip32'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { childKey, treeKey } from './child-key.ts'

// @scure/bip32, an independent implementation, is the reference.
it('derives the children that BIP-32 says, from the private key and from the xpub alone', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 16, maxLength: 64 }),
      fc.array(fc.integer({ min: 0, max: 2 ** 31 - 1 }), { minLength: 1, maxLength: 3 }),
      (seed, path) => {
        let expected = HDKey.fromMasterSeed(seed)
        let ours = treeKey(expected)
        let theirs = treeKey(HDKey.fromExtendedKey(expected.publicExtendedKey))
        for (const index of path) {
          expected = expected.deriveChild(index)
          ours = childKey(ours, index)
          theirs = childKey(theirs, index)
        }
        expect(ours).toEqual(treeKey(expected))
        expect(theirs).toEqual({ ...treeKey(expected), secret: undefined })
        expect('secret' in theirs).toBe(false)
      },
    ),
    { numRuns: 20 },
  )
})
