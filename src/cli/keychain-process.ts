import { json } from 'node:stream/consumers'
import keytar from '@github/keytar'
import { z } from 'zod'

/**
 * One request to the system's keychain, as JSON from stdin to stdout. In a process of its own, because keytar blocks a
 * thread that nobody can stop while a session bus does not answer, and a process ends only when its threads do.
 */
const request = z.discriminatedUnion('type', [
  z.object({ type: z.literal('get'), service: z.string(), account: z.string() }),
  z.object({ type: z.literal('set'), service: z.string(), account: z.string(), secret: z.string() }),
])

const asked = request.parse(await json(process.stdin))
if (asked.type === 'set') await keytar.setPassword(asked.service, asked.account, asked.secret)
const secret = await keytar.getPassword(asked.service, asked.account)
process.stdout.write(JSON.stringify({ secret }))
