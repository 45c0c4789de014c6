/** Paths that are kept for what comes later, so that asking for them gets a better answer than "nothing there". */

/** Lanes as a plain JSON job queue. */
export const LATER_PATHS: ReadonlySet<string> = new Set([
  '/schedule',
  '/receive_block',
  '/receive_noblock',
  '/jobs',
])
