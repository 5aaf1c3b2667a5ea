import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type Tokenizer, writeTokenizer } from '../../tokenizers/index.ts'
import type { TextEncoding } from '../encoding.ts'
import { pushGrouped } from '../grouped.ts'
import { ENCODING, HOLDOUT, intoFolder, movedTo, writeBuckets } from '../output.ts'
import type { RowTensor, ShardWriter } from '../shards.ts'
import { assigner, bucketSizes, planSplit } from '../split.ts'
import type { PreparedText, PrepareOptions, Shard } from '../types.ts'
import { chooseBlock } from './block-size.ts'
import { blocksOf, usedBlocks } from './blocks.ts'
import { divided, type Part, trainedLengths } from './parts.ts'
import { piecesOf } from './pieces.ts'
import { type ScannedText, scanText } from './scan.ts'
import type { TextSource } from './source.ts'
import { TokenSpool } from './token-spool.ts'
import { TokenStream } from './token-stream.ts'
import { chooseTokenizer, makeTokenizer, specialFor } from './tokenizer.ts'

const TOKENIZER = 'tokenizer.json'
const WIDEST = 65_536

type Spools = Record<Part, TokenSpool>

/**
 * Shards of a text: `tokens` `[n, T + 1]`, with prompts or conversations also `mask` u8 `[n, T]`, rows dealt at random. The
 * holdout is the end of each document, or whole documents (`trainedLengths`).
 * @throws UserError `dataset/text-too-short`, `dataset/jsonl-line`, `tokenizer/…`
 */
export async function prepareText(source: TextSource, options: PrepareOptions): Promise<PreparedText> {
  const scanned = await scanText(source, options)
  const trained = trainedLengths(scanned, options.holdout, options.seed)
  const pieces = () => divided(piecesOf(scanned.corpus, options.signal), trained)
  const tokenizer = await makeTokenizer(scanned, chooseTokenizer(scanned, options.text), pieces)
  const masked = source.layout !== 'plain'
  const wide = tokenizer.size > WIDEST
  const spool = () => new TokenSpool(options.temporary, wide, masked)
  const spools: Spools = { training: spool(), holdout: spool() }
  try {
    await encodeAll(pieces(), tokenizer, specialFor(scanned).length > 0, spools)
    return await writeAll(scanned, tokenizer, spools, options)
  } finally {
    for (const one of Object.values(spools)) one.close()
  }
}

async function encodeAll(
  pieces: ReturnType<typeof divided>,
  tokenizer: Tokenizer,
  divide: boolean,
  spools: Spools,
): Promise<void> {
  const stream = (part: Part) =>
    new TokenStream(tokenizer, divide, (tokens, learned) => spools[part].append(tokens, learned))
  const streams = { training: stream('training'), holdout: stream('holdout') }
  for await (const { part, segments, ends } of pieces) {
    streams[part].push(segments)
    if (ends) streams[part].end()
  }
}

async function writeAll(
  scanned: ScannedText,
  tokenizer: Tokenizer,
  spools: Spools,
  options: PrepareOptions,
): Promise<PreparedText> {
  const { layout } = scanned.corpus
  const masked = layout !== 'plain'
  const dtype = spools.training.wide ? 'I32' : 'U16'
  const { block, training, holdout } = chooseBlock(
    options,
    part => size => usedBlocks(spools[part], size, masked),
  )
  const quotas = planSplit([training], options.shards, 0, options.seed)
  const sizes = [holdout, ...bucketSizes(quotas).slice(1)]
  return intoFolder(options.out, async folder => {
    const written = await writeBuckets(folder, sizes, tensorsOf(dtype, block, masked), async writers => {
      await feed(spools.holdout, block, count => new Int32Array(count), writers, options.signal)
      const bucketsOf = assigner(quotas, options.seed)
      await feed(spools.training, block, count => bucketsOf(new Int32Array(count)), writers, options.signal)
    })
    await writeTokenizer(join(folder, TOKENIZER), tokenizer)
    const encoding: TextEncoding = {
      v: 1,
      kind: 'text',
      layout,
      vocabulary: tokenizer.size,
      block,
      masked,
      tokenizer: await sha256(join(folder, TOKENIZER)),
    }
    await writeFile(join(folder, ENCODING), JSON.stringify(encoding))
    const [kept, ...shards] = written.map(shard => movedTo(options.out, shard))
    const result: PreparedText = {
      kind: 'text',
      ...encodingFacts(encoding),
      dtype,
      documents: scanned.documents,
      characters: scanned.characters,
      tokens: { training: spools.training.length, holdout: spools.holdout.length },
      rows: training + holdout,
      holdoutRows: kept!.rows, // bucket 0 is always there
      shards,
      holdout: join(options.out, HOLDOUT),
      encoding: join(options.out, ENCODING),
      tokenizer: join(options.out, TOKENIZER),
    }
    return { files: [...written.map(({ path }: Shard) => basename(path)), ENCODING, TOKENIZER], result }
  })
}

const encodingFacts = ({ layout, vocabulary, block, masked }: TextEncoding) => ({
  layout,
  vocabulary,
  block,
  masked,
})

const tensorsOf = (dtype: 'U16' | 'I32', block: number, masked: boolean): RowTensor[] => [
  { name: 'tokens', dtype, row: [block + 1] },
  ...(masked ? [{ name: 'mask', dtype: 'U8' as const, row: [block] }] : []),
]

async function feed(
  spool: TokenSpool,
  block: number,
  bucketsOf: (rows: number) => Int32Array,
  writers: readonly ShardWriter[],
  signal?: AbortSignal,
): Promise<void> {
  for (const { count, tokens, mask } of blocksOf(spool, block)) {
    signal?.throwIfAborted()
    const tensors = [{ values: tokens, width: block + 1 }, ...(mask ? [{ values: mask, width: block }] : [])]
    await pushGrouped(tensors, bucketsOf(count), writers)
  }
}

const sha256 = async (path: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
