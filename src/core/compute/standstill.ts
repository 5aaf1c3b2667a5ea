import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as later } from 'node:timers/promises'

/** How often a process is looked at, in milliseconds. */
const OFTEN = 5

/**
 * Resolves once a process that was killed can do nothing more. On Linux that is when none of its threads has an address space any
 * longer: a thread lets go of it only after the system call it was in, so what it was writing is written, and nothing else will be.
 * Its end is reported when the system has taken all of its memory back, which takes a second for gigabytes on a busy machine.
 * Where the system does not show this (no /proc), the end is waited for.
 */
export async function standstill(pid: number, ended: Promise<void>): Promise<void> {
  if (!existsSync('/proc/self/task')) return ended
  let over = false
  const end = ended.then(() => {
    over = true
  })
  while (!over && (await canAct(pid))) await Promise.race([end, later(OFTEN)])
}

/** Whether any thread of a process still has an address space. What cannot be read is taken for one that has. */
async function canAct(pid: number): Promise<boolean> {
  try {
    const threads = await readdir(`/proc/${pid}/task`)
    const able = await Promise.all(threads.map(thread => hasAddressSpace(`/proc/${pid}/task/${thread}`)))
    return able.includes(true)
  } catch (error) {
    return !isGone(error)
  }
}

async function hasAddressSpace(thread: string): Promise<boolean> {
  try {
    // proc(5): sizes in pages, all of them 0 where there is none.
    return !(await readFile(`${thread}/statm`, 'utf8')).startsWith('0 ')
  } catch (error) {
    return !isGone(error)
  }
}

const isGone = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')
