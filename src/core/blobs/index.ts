export { type Manifest, manifest, type Sealed } from './manifest.ts'
