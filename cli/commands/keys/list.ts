/** `jobz keys`: who may come in, as what, since when and until when. Nothing of it is secret. */
import { existsSync, statSync } from 'node:fs'
import { readAuthorised } from '../../../common/keys/authorised.ts'
import {
  authorisedFolder,
  authorisedPath,
  keyPath,
  readBrokerKey,
} from '../../../common/keys/folder.ts'
import { readPrivate } from '../../../common/keys/private-file.ts'
import type { Cli } from '../../command.ts'
import { table } from '../../show/columns.ts'
import type { Cell, Column } from '../../show/columns.ts'
import { shownTime } from '../../show/words.ts'
import {
  authorityCertificatePath,
  certificateOf,
  commonNameOf,
  readIssued,
} from './authority-files.ts'
import { tokensPath } from './folder.ts'
import { tokenEntries } from './tokens-file.ts'
import type { Outcome } from './verb.ts'
import { isoOf } from './words.ts'

/** One line of the list. */
type Entry = {
  readonly kind: 'key' | 'token' | 'authority' | 'certificate'
  readonly name: string
  readonly role: string
  /** Topics, jobs, or hosts; all, if there is none. */
  readonly only: readonly string[]
  readonly since: string | null
  readonly expires: string | null
  readonly state: 'good' | 'expired' | 'revoked'
  readonly public_key?: string
  /** Its secret half lies here as yet. */
  readonly secret_here?: boolean
  readonly workers?: readonly string[]
  readonly rate?: number
  readonly serial?: string
}

type Listed = { readonly entries: readonly Entry[]; readonly problems: readonly string[] }

export async function list(cli: Cli, folder: string): Promise<Outcome> {
  const parts = [keysOf(folder), tokensOf(folder), authorityOf(folder), certificatesOf(folder)]
  const entries = parts.flatMap((part) => part.entries)
  const problems = parts.flatMap((part) => part.problems)
  const broker = readBrokerKey(folder)
  const broker_key = broker.kind === 'key' ? broker.key.public_key : null
  if (broker.kind === 'refused') problems.unshift(broker.message)
  return {
    kind: 'done',
    lines: [],
    table: entries.length === 0 ? '' : table(cli.terminal, COLUMNS, rows(cli, entries)),
    notes: summary(folder, entries, broker_key),
    problems,
    body: { folder, broker_key, entries, problems },
  }
}

const COLUMNS: readonly Column[] = [
  { title: 'KIND' },
  { title: 'NAME', least: 8 },
  { title: 'ROLE' },
  { title: 'ONLY', least: 8, leave: 1 },
  { title: 'SINCE', leave: 3 },
  { title: 'EXPIRES', leave: 2 },
  { title: 'STATE' },
]

const rows = (cli: Cli, entries: readonly Entry[]): Cell[][] =>
  entries.map(({ kind, name, role, only, since, expires, state }) => [
    kind,
    name,
    role,
    only.join(' '),
    shownTime(cli, since),
    shownTime(cli, expires),
    { text: state, style: state === 'good' ? 'green' : 'red' },
  ])

function summary(folder: string, entries: readonly Entry[], broker_key: string | null): string[] {
  if (entries.length === 0 && broker_key === null)
    return [`nobody has a key in ${folder}: jobz keys init makes the broker's`]
  const here = entries.flatMap(({ name, secret_here }) => (secret_here ? [`${name}.key`] : []))
  return [
    ...(broker_key === null ? [] : [`the broker's public key: ${broker_key}`]),
    ...(here.length === 0
      ? []
      : [`secret keys that are here: ${here.join(', ')}; one of another host belongs there alone`]),
  ]
}

function keysOf(folder: string): Listed {
  const { keys, problems } = readAuthorised(authorisedFolder(folder))
  return {
    problems,
    entries: [...keys.values()].map(({ name, role, public_key, topics, workers }) => ({
      kind: 'key',
      name,
      role,
      only: role === 'worker' ? topics.filter((topic) => topic !== '*') : [],
      since: isoOf(statSync(authorisedPath(folder, name)).mtimeMs),
      expires: null,
      state: 'good',
      public_key,
      secret_here: existsSync(keyPath(folder, name)),
      ...(role === 'worker' ? { workers } : {}),
    })),
  }
}

function tokensOf(folder: string): Listed {
  const read = tokenEntries(tokensPath(folder))
  if (read.kind !== 'read') return { entries: [], problems: [read.message] }
  return {
    problems: [],
    entries: Object.entries(read.entries).map(([name, token]) => ({
      kind: 'token',
      name,
      role: token.role,
      only: token.jobs ?? [],
      since: token.since ?? null,
      expires: token.expires ?? null,
      state: stateOf(token),
      ...(token.rate === undefined ? {} : { rate: token.rate }),
    })),
  }
}

function authorityOf(folder: string): Listed {
  const path = authorityCertificatePath(folder)
  const read = readPrivate(path, 'public')
  if (read.kind === 'refused') return { entries: [], problems: [read.message] }
  if (read.kind === 'absent') return { entries: [], problems: [] }
  const found = certificateOf(read.text)
  if (found === null) return { entries: [], problems: [`${path} is no certificate`] }
  const [since, expires] = [found.validFromDate, found.validToDate].map((date) =>
    date.toISOString(),
  )
  return {
    problems: [],
    entries: [
      {
        kind: 'authority',
        name: commonNameOf(found),
        role: 'issues',
        only: [],
        since: since ?? null,
        expires: expires ?? null,
        state: stateOf({ expires }),
        serial: found.serialNumber,
      },
    ],
  }
}

function certificatesOf(folder: string): Listed {
  const read = readIssued(folder)
  if (read.kind !== 'issued') return { entries: [], problems: [read.message] }
  return {
    problems: [],
    entries: read.issued.map((one) => ({
      kind: 'certificate',
      name: one.name,
      role: one.role ?? one.kind,
      only: one.hosts ?? one.jobs ?? [],
      since: one.since,
      expires: one.expires,
      state: stateOf(one),
      serial: one.serial,
    })),
  }
}

function stateOf(one: {
  readonly expires?: string | undefined
  readonly revoked?: string | undefined
}): Entry['state'] {
  if (one.revoked !== undefined) return 'revoked'
  return one.expires !== undefined && Date.parse(one.expires) <= Date.now() ? 'expired' : 'good'
}
