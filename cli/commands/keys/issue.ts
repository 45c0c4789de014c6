/** `jobz keys issue frontend|client NAME`: a certificate of this folder's authority, and its key. */
import { X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync } from 'node:fs'
import { isIP } from 'node:net'
import { issueCertificate } from '../../../common/keys/authority.ts'
import { ROLES } from '../../../common/keys/tokens.ts'
import type { Role } from '../../../common/keys/tokens.ts'
import { listFlag, textFlag } from '../../command.ts'
import type { Cli } from '../../command.ts'
import {
  AUTHORITY,
  authorityCertificatePath,
  certificateKeyPath,
  certificatePath,
  readAuthority,
  readIssued,
  revokedPath,
  writeIssued,
  writePair,
} from './authority-files.ts'
import type { Authority, Issued } from './authority-files.ts'
import { authorityFolder } from './folder.ts'
import { isOneOf, noneOf, refused, wrong } from './verb.ts'
import type { Outcome, Problem } from './verb.ts'
import {
  certificateNameProblem,
  daysUntil,
  isoOf,
  onJobs,
  patternProblem,
  readEnd,
  typed,
} from './words.ts'

const KINDS = ['frontend', 'client'] as const
const DEFAULT_LIFE = '365d'
const DEFAULT_ROLE: Role = 'trigger'

export async function issue(cli: Cli, folder: string): Promise<Outcome> {
  const [kind = '', name = ''] = cli.words
  if (!isOneOf(kind, KINDS)) return noneOf('kind of certificate', kind, KINDS)
  const now_ms = Date.now()
  const end = readEnd(textFlag(cli, 'expires') ?? DEFAULT_LIFE, now_ms)
  const named = certificateNameProblem(name)
  if (named) return named
  if (end.kind !== 'end') return end
  const may = kind === 'frontend' ? readHosts(cli, name) : readMay(cli)
  if (may.kind !== 'may') return may
  const authority = readAuthority(folder)
  if (authority.kind !== 'authority') return authority
  if (authority.expires.getTime() <= now_ms)
    return refused(`the authority ${authority.name} is over`, 'make another one in another folder')
  const place = textFlag(cli, 'out') ?? authorityFolder(folder)
  const taken = takenProblem(name, place)
  if (taken) return taken
  const wanted = { kind, name, ...may.may, days: daysUntil(end.end_ms, now_ms) }
  return record(folder, place, authority, wanted)
}

type May = { readonly hosts?: string[]; readonly role?: Role; readonly jobs?: string[] }
type ReadMay = { readonly kind: 'may'; readonly may: May } | Problem
type Wanted = May & Pick<Issued, 'kind' | 'name'> & { readonly days: number }

/** What is not written down cannot be revoked: so it is, before the files are there. */
async function record(
  folder: string,
  place: string,
  { pair }: Authority,
  wanted: Wanted,
): Promise<Outcome> {
  const read = readIssued(folder)
  if (read.kind !== 'issued') return read
  const { serial, ...made } = await issueCertificate(pair, wanted)
  const { validToDate } = new X509Certificate(made.certificate)
  const { days: _, ...about } = wanted
  const entry: Issued = {
    serial,
    ...about,
    since: isoOf(Date.now()),
    expires: isoOf(validToDate.getTime()),
  }
  const problem = await writeIssued(folder, pair, [...read.issued, entry])
  if (problem) return problem
  mkdirSync(place, { recursive: true, mode: 0o700 })
  writePair(place, wanted.name, made)
  const files = [certificatePath(place, wanted.name), certificateKeyPath(place, wanted.name)]
  return {
    kind: 'done',
    lines: files,
    notes: notesOn(entry, folder, files, read.issued),
    body: { ...entry, certificate: files[0], key: files[1] },
  }
}

function takenProblem(name: string, place: string): Problem | null {
  if (name === AUTHORITY) return refused(`${name} is the name of the authority's own files`)
  const file = [certificatePath(place, name), certificateKeyPath(place, name)].find(existsSync)
  if (file === undefined) return null
  return refused(
    `${file} is there already`,
    `jobz keys revoke ${name} first, or choose another name or another folder (--out)`,
  )
}

const FRONTEND_FLAGS = ['role', 'jobs'] as const

function readHosts(cli: Cli, name: string): ReadMay {
  const other = FRONTEND_FLAGS.find((flag) => cli.flags.has(flag))
  if (other !== undefined) return wrong(`--${other} is for a client's certificate`)
  const given = listFlag(cli, 'hosts')
  const hosts = given.length > 0 ? [...given] : [name]
  const bad = hosts.find((host) => isIP(host) === 0 && !HOST.test(host))
  if (bad === undefined) return { kind: 'may', may: { hosts } }
  return wrong(
    `--hosts: ${JSON.stringify(bad)} is neither a host's name nor an address`,
    'without scheme and port: jobs.example.org,192.0.2.7',
  )
}

const HOST = /^(?=.{1,253}$)(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_-]{1,63})*$/
/** With `job:` before it, it is a part of the subject, which has up to 64 characters. */
const LONGEST_PATTERN = 60

function readMay(cli: Cli): ReadMay {
  if (cli.flags.has('hosts')) return wrong("--hosts is for a frontend's certificate")
  const role = textFlag(cli, 'role') ?? DEFAULT_ROLE
  if (!isOneOf(role, ROLES)) return noneOf('role', role, ROLES)
  const jobs = listFlag(cli, 'jobs')
  const problem = patternProblem('jobs', jobs)
  if (problem) return problem
  const long = jobs.find((job) => job.length > LONGEST_PATTERN)
  if (long !== undefined) return wrong(`--jobs: ${long} is longer than ${LONGEST_PATTERN}`)
  return { kind: 'may', may: { role, ...(jobs.length > 0 ? { jobs: [...jobs] } : {}) } }
}

function notesOn(
  { kind, name, hosts = [], role = DEFAULT_ROLE, jobs, expires }: Issued,
  folder: string,
  files: readonly string[],
  issued: readonly Issued[],
): string[] {
  const [certificate = '', key = ''] = files.map(typed)
  const ca = typed(authorityCertificatePath(folder))
  if (kind === 'frontend')
    return [
      `${name} is known as ${hosts.join(', ')} until ${expires}`,
      `next: jobz frontend --tls-cert ${certificate} --tls-key ${key} with --tokens FILE,`,
      `or, for clients with certificates, with --tls-ca ${ca} --tls-crl ${typed(revokedPath(folder))}`,
      `try it: curl --cacert ${ca} ${urlOf(hosts)}`,
    ]
  const frontend = issued.findLast((one) => one.kind === 'frontend' && one.revoked === undefined)
  return [
    `${name}: ${onJobs(role, jobs)}, until ${expires}`,
    `try it: curl --cacert ${ca} --cert ${certificate} --key ${key} ${urlOf(frontend?.hosts)}`,
  ]
}

function urlOf([host = 'HOST']: readonly string[] = []): string {
  return `https://${isIP(host) === 6 ? `[${host}]` : host}:6769/healthz`
}
