import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'

/**
 * What tells another process or thread where this one keeps its compiled modules: it has no part in what
 * `enableCompileCache` turned on here, and would strip and compile every file again. Empty where nothing is kept.
 */
export function compileCache(): { NODE_COMPILE_CACHE?: string } {
  const ours = getCompileCacheDir()
  // The folder of this version of Node, within the one that was named.
  return ours === undefined ? {} : { NODE_COMPILE_CACHE: dirname(ours) }
}
