import { defineConfig } from 'vitest/config'

// One test file, one process (`forks`): native modules (ONNX Runtime, SQLite) do not share a process well.
export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default'],
  },
})
