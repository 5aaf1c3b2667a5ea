import { readFileSync } from 'node:fs'

const manifest = new URL('../../package.json', import.meta.url)

// Our own file: no schema, so that `--version` and `--help` answer without loading one.
export const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
