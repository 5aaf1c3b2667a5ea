import { join } from 'node:path'
import { startBlossom } from './blossom.ts'
import { startMint } from './mint/index.ts'
import { startRelay } from './relay.ts'

export interface Localnet {
  /** `ws://127.0.0.1:PORT` */
  relay: string
  /** `http://127.0.0.1:PORT` */
  blossom: string
  /** `http://127.0.0.1:PORT` */
  mint: string
  /** The mint's database, to compare ledgers with. */
  mintDatabase: string
  close(): Promise<void>
}

export interface LocalnetOptions {
  /** Each server has a folder in it; started again on the same folder they have their data. */
  folder: string
  /** Chosen by the system where left out. */
  ports?: { relay?: number; blossom?: number; mint?: number }
  /** The mint's input fee, in thousandths of a sat per proof. */
  feePpk?: number
}

/**
 * The practice network: relay, Blossom server and mint in this process, on 127.0.0.1 only. Its money is worth nothing.
 * @throws UserError `localnet/port-taken`
 */
export async function startLocalnet(options: LocalnetOptions): Promise<Localnet> {
  const { folder, ports = {}, feePpk } = options
  const at = (port: number | undefined) => (port === undefined ? {} : { port })
  const running: { close(): Promise<void> }[] = []
  const close = async () => {
    for (const server of running.splice(0).reverse()) await server.close()
  }
  const keep = <T extends { close(): Promise<void> }>(server: T): T => {
    running.push(server)
    return server
  }
  try {
    const mint = keep(
      await startMint({
        folder: join(folder, 'mint'),
        ...at(ports.mint),
        ...(feePpk === undefined ? {} : { feePpk }),
      }),
    )
    const blossom = keep(await startBlossom({ folder: join(folder, 'blossom'), ...at(ports.blossom) }))
    const relay = keep(await startRelay({ folder: join(folder, 'relay'), ...at(ports.relay) }))
    return { relay: relay.url, blossom: blossom.url, mint: mint.url, mintDatabase: mint.databasePath, close }
  } catch (error) {
    await close()
    throw error
  }
}
