import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { UserError } from '../../shared/errors.ts'

/**
 * Listens on 127.0.0.1 only: the practice network is never reachable from another machine.
 * @param port  0 lets the system choose
 * @returns `127.0.0.1:PORT`
 * @throws UserError `localnet/port-taken`
 */
export async function listen(server: Server, port: number, name: string): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new UserError('localnet/port-taken', {
              message: `The practice ${name} cannot use port ${port}: another program listens there.`,
              fix: 'Stop that program, or leave the port out and let the system choose one.',
              cause: error,
            })
          : error,
      ),
    )
    server.listen(port, '127.0.0.1', resolve)
  })
  // A TCP server's address is always this shape; strings are for pipes.
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Stops listening and drops open connections. */
export function closeServer(server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
