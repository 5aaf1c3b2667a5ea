import { expect, it } from 'vitest'
import { addressPolicy } from './policy.ts'

const names: Record<string, string[]> = {
  'blossom.example': ['93.184.216.34'],
  'inside.example': ['93.184.216.34', '10.0.0.7'],
  'inside6.example': ['fd00::1'],
}
const policy = addressPolicy(['http://127.0.0.1:3000/'], async host => {
  const found = names[host]
  if (!found) throw new Error('ENOTFOUND')
  return found
})
const objection = (address: string) => policy(new URL(address))

it.each(['https://blossom.example/abc', 'http://127.0.0.1:3000/upload', 'https://nowhere.example'])(
  'allows %s',
  async address => expect(await objection(address)).toBeUndefined(),
)

it.each([
  ['http://blossom.example', 'is not https'],
  ['http://127.0.0.1:3001', 'is not https'],
  ['https://127.0.0.1:3000', 'is a private address'],
  ['https://192.168.1.1', 'is a private address'],
  ['https://169.254.169.254', 'is a private address'],
  ['https://[::1]', 'is a private address'],
  ['https://[::ffff:10.0.0.1]', 'is a private address'],
  ['https://0x7f.1', 'is a private address'],
  ['https://inside.example', 'is a private address'],
  ['https://inside6.example', 'is a private address'],
])('refuses %s', async (address, reason) => expect(await objection(address)).toBe(reason))
