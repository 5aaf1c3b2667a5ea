// The one-way imports of docs/architecture.md. A room may use only rooms below it.
const layers = [
  ['jobs', 'local'],
  ['federation', 'market', 'compute', 'localnet', 'models'],
  ['payments', 'blobs', 'training', 'tokenizers', 'datasets'],
  ['nostr', 'identity'],
  ['store', 'threads'],
]
/** Every room's list of what others may use, and what it lends to tests. */
const doors = ['^src/core/[^/]+/index\\.ts$', '\\.test-support\\.ts$']
const room = names => `^src/core/(${names.join('|')})/`

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'core-is-headless',
      severity: 'error',
      from: { path: '^src/core/' },
      to: { path: '^src/(host|main|preload|renderer|cli|worker)/|^electron$' },
    },
    {
      name: 'shared-stands-alone',
      severity: 'error',
      from: { path: '^src/shared/' },
      to: { path: '^src/(?!shared/)' },
    },
    {
      name: 'worker-sees-no-network',
      severity: 'error',
      from: { path: '^src/worker/' },
      to: { path: '^src/(cli|main|renderer|host)/|^src/core/(nostr|payments|blobs|identity|jobs|localnet)/' },
    },
    {
      name: 'source-does-not-import-tests',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.test\\.ts$' },
      to: { path: '^(test|bench)/|\\.test\\.ts$' },
    },
    {
      name: 'one-place-loads-onnxruntime',
      severity: 'error',
      from: { pathNot: '^src/core/training/onnxruntime\\.ts$' },
      to: { path: 'onnxruntime-node', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'rooms-are-entered-by-their-door',
      comment: 'What other rooms may use, a room lists in its index.ts. Tests may use its test support too.',
      severity: 'error',
      from: { path: '^src/core/([^/]+)/' },
      to: { path: '^src/core/', pathNot: ['^src/core/$1/', ...doors] },
    },
    {
      name: 'core-is-entered-by-its-doors',
      severity: 'error',
      from: { path: '^(src/(cli|worker)|test|bench)/' },
      to: { path: '^src/core/', pathNot: doors },
    },
    {
      name: 'source-does-not-import-test-support',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.test[.-]' },
      to: { path: '\\.test-support\\.ts$' },
    },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    ...layers.slice(1).map((_, i) => ({
      name: `nothing-below-imports-${layers[i].join('-')}`,
      severity: 'error',
      from: { path: room(layers.slice(i + 1).flat()), pathNot: '\\.test\\.ts$' },
      to: { path: room(layers[i]) },
    })),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: ['.ts', '.mjs', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
}
