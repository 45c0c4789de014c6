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
  ['ltrace', { withValue: 'oeps' }],
  ['chroot', { own: 1 }],
  ['unshare', { withValue: 'RwSG' }],
  ['nsenter', { withValue: 'tSG' }],
  ['setpriv', {}],
  ['prlimit', {}],
  ['runcon', { withValue: 'urtl' }],
  ['numactl', { withValue: 'Nmpi' }],
  ['setarch', { own: 1 }],
  ['linux32', {}],
  ['linux64', {}],
  ['cgexec', { withValue: 'g' }],
  ['fakeroot', { withValue: 'lsib' }],
  ['dbus-run-session', {}],
  ['ssh-agent', { withValue: 'aEOPt' }],
  ['unbuffer', {}],
  ['systemd-run', { withValue: 'pEuHM' }],
  ['systemd-inhibit', {}],
  ['sshpass', { withValue: 'fdp' }],
  ['torsocks', {}],
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
  'eval ssh autossh su runuser trap alias watch entr parallel make gmake compgen complete bind fc enable hash'.split(
    ' ',
  ),
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
  'at batch crontab su runuser parallel ed ex'.split(' '),
)

/** Commands of a shell that look up an operator among their arguments; `-v` is one. */
export const TESTS: ReadonlySet<string> = new Set(['test', '['])

/** Commands whose `host:path` is parsed again by the shell of that host, at least by some of their versions. */
export const REMOTE_PATHS: ReadonlySet<string> = new Set(['scp', 'rsync'])

/** Variables that decide what runs next, or hold code for what runs next. */
export const ASSIGNMENTS_THAT_RUN = new RegExp(
  `^(?:${[
    'PATH|IFS|PS[0-4]|PROMPT_COMMAND|BASH_(?:ENV|CMDS|ALIASES|LOADABLES_PATH|FUNC_.*)',
    // Bash evaluates what these are given as arithmetic.
    'RANDOM|SRANDOM|OPTIND|HISTCMD|SECONDS|LINENO',
    'LD_(?:PRELOAD|LIBRARY_PATH|AUDIT)|GCONV_PATH|EDITOR|VISUAL|PAGER|LESS(?:OPEN|CLOSE)|MANPAGER',
    'PYTHON(?:PATH|STARTUP|HOME)|PERL5(?:LIB|OPT|DB)|PERLLIB|RUBY(?:OPT|LIB)|NODE_(?:OPTIONS|PATH)|LUA_INIT',
    'AWKPATH|JAVA_TOOL_OPTIONS|GIT_(?:SSH|SSH_COMMAND|ASKPASS|EDITOR|PAGER|EXEC_PATH|EXTERNAL_DIFF)',
    'RSYNC_RSH|TAR_OPTIONS|MAKEFLAGS',
  ].join('|')})(?:\\[.*\\])?\\+?=`,
)

/** Options of `tar`, `rsync`, `sort`, `git` and `ssh` whose value is a command. */
export const OPTIONS_THAT_RUN = new RegExp(
  `^(?:${[
    '--(?:checkpoint-action|to-command|(?:use-)?compress-program|rmt-command|(?:info|new-volume)-script)=',
    '--(?:rsh|rsync-path|upload-pack|receive-pack)=',
    '(?:-o)?(?:Proxy|Local|KnownHosts)Command=',
    'core\\.(?:sshCommand|pager|editor|fsmonitor)=|alias\\.[\\w-]+=',
  ].join('|')})`,
  'i',
)
