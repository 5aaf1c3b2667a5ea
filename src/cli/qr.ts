import { styleText } from 'node:util'
import { renderUnicodeCompact } from 'uqr'

/**
 * A Lightning invoice: as a QR code where a camera can read it (a terminal that is wide enough), and always as text.
 * Upper case makes a smaller code (BOLT-11 allows it), and white on black is what cameras expect in any theme.
 */
export function invoiceLines(invoice: string, stream: NodeJS.WriteStream): string[] {
  const code = renderUnicodeCompact(invoice.toUpperCase(), { ecc: 'L', border: 2 }).split('\n')
  const width = code[0]?.length ?? 0
  const fits = stream.isTTY && (stream.columns ?? 0) >= width
  const drawn = fits ? [...code.map(line => styleText(['whiteBright', 'bgBlack'], line, { stream })), ''] : []
  return [...drawn, invoice]
}
