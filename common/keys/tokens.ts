/**
 * Bearer tokens for HTTP: who has one, what it is good for, and how one is known again.
 *
 * Only their hashes are kept. A token is 32 random bytes, so a plain hash is enough: nobody can try them all, and there
 * is nothing to slow down.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { NAME_PATTERN } from '../definition/card.ts'
import { readChecked } from './checked-yaml.ts'
import { readPrivate } from './private-file.ts'

/** What somebody may do over HTTP. Each includes those before it. */
export const ROLES = ['read', 'trigger', 'operate', 'admin'] as const
export type Role = (typeof ROLES)[number]

/** Whether who has a role may do what needs another. */
export const includes = (role: Role, needed: Role): boolean =>
  ROLES.indexOf(role) >= ROLES.indexOf(needed)

export type Token = {
  /** For the log; nothing secret. */
  readonly name: string
  readonly id: string
  readonly hash: Buffer
  readonly role: Role
  /** Job names, or patterns with `*`; null for all jobs. */
  readonly jobs: readonly string[] | null
  readonly expires_ms: number | null
  /** Requests a second. */
  readonly rate: number
}

/** By their ids. */
export type Tokens = ReadonlyMap<string, Token>

const DEFAULT_RATE = 100

/** A job's name in which `*` stands for any characters, also none. */
export const JobPattern = z
  .string('a job name, or a pattern with *, in quotes')
  .regex(/^[A-Za-z0-9_.*-]{1,128}$/, 'a job name, or a pattern with * (letters, digits, _ . - *)')
const Entry = z.strictObject({
  id: z
    .string('16 hexadecimal digits, in quotes')
    .regex(/^[0-9a-f]{16}$/, '16 hexadecimal digits, as `jobz keys` wrote them'),
  hash: z.string().regex(/^sha256:[0-9a-f]{64}$/, "'sha256:' and 64 hexadecimal digits"),
  role: z.enum(ROLES, `one of ${ROLES.join(', ')}`),
  jobs: z.array(JobPattern).min(1, 'names at least one job; leave it out for all').optional(),
  expires: z.iso
    .datetime({ offset: true, error: 'a time such as 2027-01-01T00:00:00Z' })
    .optional(),
  rate: z.number().positive('requests a second, above 0').max(1_000_000).optional(),
  /** When it was made; for people. */
  since: z.iso.datetime({ offset: true }).optional(),
})
const TokensFile = z.strictObject({
  tokens: z.record(
    z.string().regex(NAME_PATTERN, 'a name of letters, digits, _ . -'),
    Entry,
    'names with what each token may do',
  ),
})
/** One token as it stands in the file. */
export type TokenEntry = z.infer<typeof Entry>

export type ReadTokens =
  | { readonly kind: 'read'; readonly tokens: Tokens }
  | { readonly kind: 'absent' }
  | { readonly kind: 'refused'; readonly message: string }

/** Reads `tokens.yaml`, which nobody else may read. */
export function readTokens(path: string): ReadTokens {
  const file = readTokensFile(path)
  if (file.kind !== 'read') return file
  const tokens = new Map<string, Token>()
  for (const [name, entry] of Object.entries(file.entries)) {
    const same = tokens.get(entry.id)
    if (same) {
      const message = `${path}: ${same.name} and ${name} have the same id: make one of them anew`
      return { kind: 'refused', message }
    }
    tokens.set(entry.id, tokenOf(name, entry))
  }
  return { kind: 'read', tokens }
}

/** Reads the file as it is, for who changes it and writes it anew. */
export function readTokensFile(
  path: string,
):
  | { readonly kind: 'read'; readonly entries: Record<string, TokenEntry> }
  | Exclude<ReadTokens, { kind: 'read' }> {
  const file = readPrivate(path)
  if (file.kind !== 'read') return file
  const known = ['tokens', ...Object.keys(Entry.shape)]
  const checked = readChecked(path, file.text, TokensFile, known)
  return checked.kind === 'refused' ? checked : { kind: 'read', entries: checked.value.tokens }
}

const tokenOf = (name: string, entry: TokenEntry): Token => ({
  name,
  id: entry.id,
  hash: Buffer.from(entry.hash.slice('sha256:'.length), 'hex'),
  role: entry.role,
  jobs: entry.jobs ?? null,
  expires_ms: entry.expires === undefined ? null : Date.parse(entry.expires),
  rate: entry.rate ?? DEFAULT_RATE,
})

/** Makes a token. `token` is shown to its holder once; `id` and `hash` are kept. */
export function mintToken(): { token: string; id: string; hash: string } {
  const id = randomBytes(8).toString('hex')
  const token = `jobz_${id}_${randomBytes(32).toString('base64url')}`
  return { token, id, hash: `sha256:${hashOf(token).toString('hex')}` }
}

/**
 * The token that a text is, expired or not; null when it is none of them. What is secret of it is compared in constant
 * time; the id is not secret.
 */
export function findToken(tokens: Tokens, text: string): Token | null {
  const [, id] = /^jobz_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/.exec(text) ?? []
  if (id === undefined) return null
  const token = tokens.get(id)
  const isSame = timingSafeEqual(hashOf(text), token?.hash ?? NOBODY)
  return token && isSame ? token : null
}

export const isExpired = ({ expires_ms }: Pick<Token, 'expires_ms'>, now_ms: number): boolean =>
  expires_ms !== null && now_ms >= expires_ms

const hashOf = (text: string): Buffer => createHash('sha256').update(text).digest()
/** An unknown id takes as long as a known one. */
const NOBODY = Buffer.alloc(32)
