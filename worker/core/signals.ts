/** The names of signals, by the number that a shell adds to 128. These are Linux's, the same on x86 and ARM. */
const NAMES: readonly string[] =
  `HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG
  XCPU XFSZ VTALRM PROF WINCH IO PWR SYS`.split(/\s+/)

/** `SIGTERM` for 143; null for a code that no signal makes. */
export function signalOf(exit_code: number): string | null {
  const name = NAMES[exit_code - 129]
  return name === undefined ? null : `SIG${name}`
}
