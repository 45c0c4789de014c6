import { matchesAny } from '../../../common/definition/name-patterns.ts'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import * as fc from 'fast-check'
import { writePrivate } from '../../../common/keys/private-file.ts'
import {
  findToken,
  includes,
  isExpired,
  mintToken,
  readTokens,
  ROLES,
} from '../../../common/keys/tokens.ts'

function fileOf(t: ExecutionContext, text: string, secrecy: 'secret' | 'public' = 'secret') {
  const folder = mkdtempSync(join(tmpdir(), 'jobz-tokens-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'tokens.yaml')
  writePrivate(path, text, secrecy)
  return path
}

test('a token that was made is found by its text, and by nothing near it', (t) => {
  const { token, id, hash } = mintToken()
  t.regex(token, new RegExp(`^jobz_${id}_[A-Za-z0-9_-]{43}$`))
  const entry = `{id: '${id}', hash: '${hash}', role: trigger, jobs: ['import_*', one], expires: 2027-01-01T00:00:00Z, rate: 50}`
  const read = readTokens(fileOf(t, `tokens:\n  cron: ${entry}\n`))
  if (read.kind !== 'read') return t.fail(JSON.stringify(read))
  const found = findToken(read.tokens, token)
  t.like(found, { name: 'cron', id, role: 'trigger', jobs: ['import_*', 'one'], rate: 50 })
  t.is(found?.expires_ms, Date.UTC(2027, 0, 1))
  const changed = token.slice(0, -1) + (token.endsWith('A') ? 'B' : 'A')
  const other = mintToken().token
  for (const wrong of [changed, other, token.slice(0, -1), `${token}A`, ` ${token}`, id, ''])
    t.is(findToken(read.tokens, wrong), null)
})

test('what is left out is all jobs, for ever, at a hundred a second', (t) => {
  const { token, id, hash } = mintToken()
  const read = readTokens(fileOf(t, `tokens: {a: {id: '${id}', hash: '${hash}', role: read}}`))
  if (read.kind !== 'read') return t.fail(JSON.stringify(read))
  t.like(findToken(read.tokens, token), { jobs: null, expires_ms: null, rate: 100 })
})

test('no two tokens are the same', (t) => {
  t.is(new Set(Array.from({ length: 100 }, () => mintToken().token)).size, 100)
})

test('a token is expired from its instant on', (t) => {
  t.false(isExpired({ expires_ms: null }, Number.MAX_VALUE))
  t.false(isExpired({ expires_ms: 1000 }, 999))
  t.true(isExpired({ expires_ms: 1000 }, 1000))
})

test('a file that others may read is refused, and one that is not there is absent', (t) => {
  const path = fileOf(t, 'tokens: {}\n', 'public')
  const read = readTokens(path)
  t.regex(read.kind === 'refused' ? read.message : '', /chmod 600/)
  t.deepEqual(readTokens(`${path}.other`), { kind: 'absent' })
})

const ID = '0123456789abcdef'
const HASH = `sha256:${'ab'.repeat(32)}`
const BAD: readonly (readonly [entry: string, says: RegExp])[] = [
  [`{id: 1234567890123456, hash: '${HASH}', role: read}`, /tokens\.a\.id: .*in quotes/],
  [`{id: '0123', hash: '${HASH}', role: read}`, /tokens\.a\.id: 16 hexadecimal/],
  [`{id: '${ID}', hash: 'sha256:00', role: read}`, /tokens\.a\.hash/],
  [`{id: '${ID}', hash: '${HASH}', role: root}`, /one of read, trigger, operate, admin/],
  [`{id: '${ID}', hash: '${HASH}'}`, /tokens\.a\.role/],
  [`{id: '${ID}', hash: '${HASH}', role: read, jobs: []}`, /at least one job/],
  [`{id: '${ID}', hash: '${HASH}', role: read, jobs: ['a b']}`, /pattern with \*/],
  [`{id: '${ID}', hash: '${HASH}', role: read, expires: tomorrow}`, /2027-01-01T00:00:00Z/],
  [`{id: '${ID}', hash: '${HASH}', role: read, rate: 0}`, /above 0/],
  [`{id: '${ID}', hash: '${HASH}', role: read, job: [a]}`, /did you mean jobs/],
]
for (const [entry, says] of BAD)
  test(`refused: ${entry.replace(HASH, '…')}`, (t) => {
    const read = readTokens(fileOf(t, `tokens:\n  a: ${entry}\n`))
    t.regex(read.kind === 'refused' ? read.message : '', says)
  })

test('two tokens with one id are refused, and so is a strange name', (t) => {
  const entry = `{id: '${ID}', hash: '${HASH}', role: read}`
  const twice = readTokens(fileOf(t, `tokens:\n  a: ${entry}\n  b: ${entry}\n`))
  t.regex(twice.kind === 'refused' ? twice.message : '', /a and b have the same id/)
  t.is(readTokens(fileOf(t, `tokens:\n  'a b': ${entry}\n`)).kind, 'refused')
})

test('each role includes those before it', (t) => {
  const table = ROLES.map((role) => ROLES.map((needed) => Number(includes(role, needed))).join(''))
  t.deepEqual(table, ['1000', '1100', '1110', '1111'])
})

test('patterns match whole names', (t) => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['a', 'a', true],
    ['a', 'ab', false],
    ['*', '', true],
    ['import_*', 'import_', true],
    ['import_*', 'import_x', true],
    ['import_*', 'reimport_x', false],
    ['*_x', 'a_x', true],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['a*b*c', 'a1b2c', true],
    ['a*b*c', 'acb', false],
    ['a.c', 'abc', false],
    ['**', 'anything', true],
  ]
  for (const [pattern, name, expected] of cases)
    t.is(matchesAny([pattern], name), expected, `${pattern} ${name}`)
  t.false(matchesAny([], 'a'))
  t.true(matchesAny(['b', 'a*'], 'abc'))
})

test('patterns match as the regular expression does that they stand for', (t) => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), maxLength: 8 })
  fc.assert(
    fc.property(text, text, (pattern, name) => {
      const escaped = pattern.replaceAll('.', '\\.').replaceAll('*', '.*')
      return matchesAny([pattern], name) === new RegExp(`^${escaped}$`).test(name)
    }),
    { numRuns: 5000 },
  )
  t.pass()
})
