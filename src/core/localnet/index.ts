export { type BlossomOptions, type LocalBlossom, startBlossom } from './blossom.ts'
export { type Localnet, type LocalnetOptions, startLocalnet } from './localnet.ts'
export { type MintOptions, type MintServer, startMint } from './mint/index.ts'
export { type LocalRelay, type RelayOptions, startRelay } from './relay.ts'
