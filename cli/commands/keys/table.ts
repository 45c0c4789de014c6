/**
 * The verbs of `jobz keys`, in the order of the help. Each loads its own file: ZeroMQ and the library of certificates are
 * large, and most commands have no use for them.
 */
import type { Flag } from '../../../common/daemon/flags.ts'
import type { Verb } from './verb.ts'

export const FOLDER_FLAG: Flag = {
  flag: 'keys',
  kind: 'text',
  help: 'the folder of keys (JOBZ_KEYS; .jobz/keys)',
}
const TOPICS: Flag = {
  flag: 'topics',
  kind: 'list',
  help: 'the topics that a worker may serve, * for any characters (all)',
}
const WORKERS: Flag = {
  flag: 'workers',
  kind: 'list',
  help: 'the names that a worker may have (its own alone)',
}
const PUBLIC: Flag = {
  flag: 'public',
  kind: 'text',
  help: 'a public key that was made on its host',
}
const BROKER_KEY: Flag = {
  flag: 'broker-key',
  kind: 'text',
  help: "the broker's public key, as jobz keys init shows it",
}
const OUT: Flag = { flag: 'out', kind: 'text', help: 'the folder for the new files' }
const ROLE: Flag = { flag: 'role', kind: 'text', help: 'read, trigger, operate or admin' }
const JOBS: Flag = {
  flag: 'jobs',
  kind: 'list',
  help: 'only these jobs, * for any characters (all)',
}
const EXPIRES: Flag = { flag: 'expires', kind: 'text', help: 'after so long (90d), or on a day' }
const RATE: Flag = { flag: 'rate', kind: 'count', help: 'requests a second (100)' }
const HOSTS: Flag = {
  flag: 'hosts',
  kind: 'list',
  help: 'the names and addresses that a frontend is reached by (its name)',
}
const KIND: Flag = { flag: 'kind', kind: 'text', help: 'key, token or certificate' }
const SERIAL: Flag = { flag: 'serial', kind: 'text', help: 'this certificate alone' }

export const VERBS: readonly Verb[] = [
  {
    name: 'list',
    usage: '[list]',
    summary: 'lists them, and nothing secret',
    takes: [0, 0],
    flags: [],
    touches: 'reads',
    run: async (cli, folder) => (await import('./list.ts')).list(cli, folder),
  },
  {
    name: 'init',
    usage: 'init',
    summary: "makes the folder and the broker's pair; shows its public key",
    takes: [0, 0],
    flags: [],
    touches: 'makes',
    run: async (_, folder) => (await import('./init.ts')).init(folder),
  },
  {
    name: 'add',
    usage: "add worker|semaphore|frontend|client NAME [--topics 'a_*,b'] [--workers 'web-*']",
    summary: 'makes a pair for a daemon and lets it in; with --public KEY, only lets it in',
    takes: [2, 2],
    flags: [TOPICS, WORKERS, PUBLIC],
    touches: 'changes',
    run: async (cli, folder) => (await import('./add.ts')).add(cli, folder),
  },
  {
    name: 'make',
    usage: 'make worker|semaphore|frontend|client NAME --broker-key KEY [--out DIR]',
    summary: 'makes a pair on its own host; shows the public key that is to be added',
    takes: [2, 2],
    flags: [BROKER_KEY, OUT],
    touches: 'nothing',
    run: async (cli) => (await import('./make.ts')).make(cli),
  },
  {
    name: 'token',
    usage: "token NAME --role ROLE [--jobs 'a,b*'] [--expires 90d] [--rate N]",
    summary: 'makes a token for HTTP and shows it, this once',
    takes: [1, 1],
    flags: [ROLE, JOBS, EXPIRES, RATE],
    touches: 'makes',
    run: async (cli, folder) => (await import('./token.ts')).token(cli, folder),
  },
  {
    name: 'ca',
    usage: 'ca [NAME] [--expires 3650d]',
    summary: 'makes an authority for certificates',
    takes: [0, 1],
    flags: [EXPIRES],
    touches: 'makes',
    run: async (cli, folder) => (await import('./ca.ts')).ca(cli, folder),
  },
  {
    name: 'issue',
    usage:
      "issue frontend|client NAME [--hosts a,b] [--role ROLE] [--jobs 'a,b*'] [--expires 365d] [--out DIR]",
    summary: 'makes a certificate and its key, for a frontend or for one of its clients',
    takes: [2, 2],
    flags: [HOSTS, ROLE, JOBS, EXPIRES, OUT],
    touches: 'changes',
    run: async (cli, folder) => (await import('./issue.ts')).issue(cli, folder),
  },
  {
    name: 'revoke',
    usage: 'revoke NAME [--kind key|token|certificate] [--serial HEX]',
    summary: 'shuts out whoever has this key, token or certificate',
    takes: [1, 1],
    flags: [KIND, SERIAL],
    touches: 'changes',
    run: async (cli, folder) => (await import('./revoke.ts')).revoke(cli, folder),
  },
]

export const KEY_FLAGS: readonly Flag[] = [
  ...new Set([FOLDER_FLAG, ...VERBS.flatMap((verb) => verb.flags)]),
]
