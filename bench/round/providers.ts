import { join } from 'node:path'
import { openHome, termsOn } from '../../src/core/jobs/home.test-support.ts'
import { ProviderService } from '../../src/core/jobs/index.ts'
import { answerCpu } from './cpu.ts'
import { idleCompute } from './idle-compute.ts'

// A process with all providers of the benchmark: homes, wallets and connections of their own.
const [count = '1', folder = '', network = '{}', files = '{}'] = process.argv.slice(2)
const net = JSON.parse(network)
for (let i = 0; i < Number(count); i++) {
  const { tools } = await openHome(join(folder, `provider-${i}`))
  new ProviderService({ ...tools, compute: idleCompute(JSON.parse(files)) }, termsOn(net)).start()
}
process.send?.('ready')
answerCpu()
process.on('disconnect', () => process.exit(0))
