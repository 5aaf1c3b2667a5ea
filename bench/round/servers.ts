import { startLocalnet } from '../../src/core/localnet/index.ts'
import { answerCpu } from './cpu.ts'

// Relay, Blossom server and mint of the benchmark in a process of their own.
const { relay, blossom, mint } = await startLocalnet({ folder: process.argv[2] ?? '' })
process.send?.({ relay, blossom, mint })
answerCpu()
process.on('disconnect', () => process.exit(0))
