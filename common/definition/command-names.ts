/** What jobz knows of commands that run other commands. Tables only; `command-rules.ts` says what follows from them. */

/** How to find the command that another one runs. */
export type Prefix = {
  /** Letters of options that take the next word as their value. */
  readonly withValue?: string
  /** Arguments of its own before the command, such as the duration of `timeout`. */
  readonly own?: number
  /** `NAME=value` may stand before the command. */
  readonly assignments?: boolean
}

export const SHELLS: ReadonlySet<string> = new Set(
  'sh bash dash ash ksh ksh93 mksh zsh yash fish csh tcsh rbash'.split(' '),
)

export const PREFIXES: ReadonlyMap<string, Prefix> = new Map<string, Prefix>([
  ['exec', { withValue: 'a' }],
  ['command', {}],
  ['builtin', {}],
  ['busybox', {}],
  ['nohup', {}],
  ['setsid', {}],
  ['time', { withValue: 'fo' }],
  ['nice', { withValue: 'n' }],
  ['ionice', { withValue: 'cnp' }],
  ['chrt', { own: 1 }],
  ['taskset', { own: 1 }],
  ['timeout', { withValue: 'sk', own: 1 }],
  ['stdbuf', { withValue: 'ioe' }],
  ['strace', { withValue: 'oep' }],
  ['chroot', { own: 1 }],
  ['flock', { withValue: 'wE', own: 1 }],
  ['env', { withValue: 'uC', assignments: true }],
  ['sudo', { withValue: 'ughpCTURDrt', assignments: true }],
  ['doas', { withValue: 'uC' }],
  ['xargs', { withValue: 'InPLsdaE' }],
  // Not a prefix, but what is left after its options are the host and the command.
  ['ssh', { withValue: 'BbcDEeFIiJLlmOopQRSWw' }],
])

/** Commands that hand all their arguments to a shell, here or elsewhere. */
export const CODE_ALWAYS: ReadonlySet<string> = new Set(
  'eval ssh su runuser trap alias watch parallel compgen complete bind fc'.split(' '),
)

/** Commands that do so when an option says it. */
export const CODE_WITH_FLAG: ReadonlyMap<string, RegExp> = new Map([
  ['flock', /^(?:-c|--command)/],
  ['script', /^(?:-[a-z]*c|--command)/],
  ['env', /^(?:-[a-z]*S|--split-string)/],
  // These two evaluate the name that follows, subscript and all.
  ['test', /^-[vR]$/],
  ['[', /^-[vR]$/],
  ['printf', /^-v/],
])

/** Commands of a shell whose arguments are names, whose subscripts it evaluates, or arithmetic. */
export const EVALUATES_NAMES: ReadonlySet<string> = new Set(
  'declare typeset local readonly unset let read mapfile readarray getopts'.split(' '),
)

/** Commands that read code from their standard input, whatever their arguments. */
export const INPUT_IS_CODE: ReadonlySet<string> = new Set(
  'at batch crontab su runuser parallel'.split(' '),
)

/** Variables that decide what runs next. */
export const ASSIGNMENTS_THAT_RUN =
  /^(?:PATH|IFS|PS[0-4]|BASH_ENV|PROMPT_COMMAND|LD_PRELOAD|LD_LIBRARY_PATH)\+?=/
