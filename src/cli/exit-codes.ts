/** What the process says to the shell. Documented in the README and in `gradstr --help`. */
export const EXIT = {
  ok: 0,
  /** The command could not do what was asked; the reason is on stderr. */
  failed: 1,
  /** The command line itself is wrong. */
  usage: 2,
  /** A defect in Gradstr (sysexits' EX_SOFTWARE). */
  internal: 70,
  /** 128 + 2 and 128 + 15, as shells do. */
  interrupted: 130,
  terminated: 143,
} as const
