import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Where the tests lie that take longest, because they start many processes and wait for what these do. */
const slow = ['test/', 'src/cli/', 'src/core/jobs/', 'src/core/payments/', 'src/worker/']

/** A slow file that began last would leave the other cores with nothing to do: those come first. */
class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId, project }: TestSpecification): number => {
      const at = slow.findIndex(folder => relative(project.config.root, moduleId).startsWith(folder))
      return at < 0 ? slow.length : at
    }
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b))
  }
}

// One test file, one process (`forks`): native modules (ONNX Runtime, SQLite) do not share a process well.
export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    pool: 'forks',
    // One more than the cores of a small machine: a file that plays a market waits about half of its time.
    maxWorkers: 3,
    sequence: { sequencer: SlowestFirst },
    // Processes that tests start need not compile the same modules again.
    env: { NODE_COMPILE_CACHE: join(tmpdir(), 'gradstr-test-compile-cache') },
    testTimeout: 180_000,
    hookTimeout: 180_000,
    reporters: ['default'],
  },
})
