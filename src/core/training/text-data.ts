import type { SafetensorsFile } from './safetensors/index.ts'
import type { Tensor } from './tensor.ts'

/** What a text file of blocks holds, before it is checked against a model. */
export interface Blocks {
  rows: number
  /** `[rows, T]` i32 */
  x: Tensor & { data: Int32Array }
  /** `[rows, T]` i32: the token after each; −1 where the mask says that it does not count. */
  y: Tensor & { data: Int32Array }
}

/**
 * Takes blocks of text apart into tokens and the tokens that follow them.
 * File: `tokens` `[n, T + 1]` u16 or i32 and, where not every token counts, `mask` `[n, T]` u8 (1: this target counts).
 * @returns what does not fit, as a text, where something does not
 */
export async function readBlocks(file: SafetensorsFile, block: number): Promise<Blocks | string> {
  const found = file.tensors.get('tokens')
  const mask = file.tensors.get('mask')
  if (!found) return 'it holds no tensor "tokens"'
  const [rows = 0, width = 0] = found.shape
  if (found.shape.length !== 2 || width !== block + 1 || (found.dtype !== 'U16' && found.dtype !== 'I32'))
    return `"tokens" is ${found.dtype} [${found.shape}], expected U16 or I32 [${rows}, ${block + 1}]`
  if (mask && (mask.dtype !== 'U8' || mask.shape[0] !== rows || mask.shape[1] !== block))
    return `"mask" is ${mask.dtype} [${mask.shape}], expected U8 [${rows}, ${block}]`
  const tokens = (await file.read('tokens')).data
  const counts = mask && (await file.read('mask')).data
  const [x, y] = [new Int32Array(rows * block), new Int32Array(rows * block)]
  for (let row = 0; row < rows; row++)
    for (let i = 0; i < block; i++) {
      const at = row * block + i
      x[at] = Number(tokens[row * width + i])
      y[at] = counts && counts[at] === 0 ? -1 : Number(tokens[row * width + i + 1])
    }
  const shape = [rows, block]
  return { rows, x: { dtype: 'I32', shape, data: x }, y: { dtype: 'I32', shape, data: y } }
}
