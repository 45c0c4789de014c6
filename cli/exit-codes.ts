/** What scripts read from the command line's end. The numbers are a contract. */
export const EXIT = {
  succeeded: 0,
  /** The job (or flow) failed, was canceled or expired; a definition is bad. */
  failed: 1,
  usage: 2,
  unreachable: 3,
  refused: 4,
  still_running: 5,
  /** Ctrl-C while waiting; the run goes on. */
  interrupted: 130,
} as const
