/** Flags over environment over jobz.yaml over defaults, and a strict jobz.yaml. */
import test from 'ava'
import { readSettings } from '../../../common/daemon/settings.ts'
import type { SettingsTable } from '../../../common/daemon/settings.ts'

const TABLE = [
  { flag: 'name', env: 'JOBZ_NAME', kind: 'text', default: 'host', help: 'its name' },
  { flag: 'slots', env: 'JOBZ_SLOTS', kind: 'count', default: 4, help: 'how many' },
  { flag: 'allow-root', env: 'JOBZ_ALLOW_ROOT', kind: 'switch', default: false, help: 'allow' },
  { flag: 'topics', env: 'JOBZ_TOPICS', kind: 'list', default: ['*'], help: 'which' },
] as const satisfies SettingsTable

type Sources = { argv?: string[]; env?: Record<string, string>; files?: Record<string, string> }

const read = ({ argv = [], env = {}, files = {} }: Sources) =>
  readSettings('worker', TABLE, argv, env, (path) => files[path] ?? null)

const settings = async (sources: Sources) => {
  const answer = await read(sources)
  if (answer.kind !== 'settings') throw new Error(JSON.stringify(answer))
  return { ...answer.settings }
}

const refusal = async (sources: Sources): Promise<string> => {
  const answer = await read(sources)
  if (answer.kind !== 'usage') throw new Error(`was read: ${JSON.stringify(answer)}`)
  return `${answer.message} | ${answer.hint ?? ''}`
}

test('defaults hold when nothing is said', async (t) => {
  t.deepEqual(await settings({}), { name: 'host', slots: 4, allow_root: false, topics: ['*'] })
})

test('each source wins over the next', async (t) => {
  const files = { 'jobz.yaml': 'slots: 1\nworker: {slots: 2}' }
  t.is((await settings({ files: { 'jobz.yaml': 'slots: 1' } })).slots, 1)
  t.is((await settings({ files })).slots, 2)
  t.is((await settings({ files, env: { JOBZ_SLOTS: '3' } })).slots, 3)
  t.is((await settings({ files, env: { JOBZ_SLOTS: '3' }, argv: ['--slots', '5'] })).slots, 5)
})

test('an empty variable counts as absent, an empty flag does not', async (t) => {
  t.is((await settings({ env: { JOBZ_NAME: '' } })).name, 'host')
  t.is((await settings({ argv: ['--name='] })).name, '')
})

test('values of the file keep their source text', async (t) => {
  const yaml = 'worker:\n  name: 007\n  allow_root: yes\n  topics: [a, 1.10]\n'
  const { name, allow_root, topics } = await settings({ files: { 'jobz.yaml': yaml } })
  t.deepEqual([name, allow_root, topics], ['007', true, ['a', '1.10']])
  t.deepEqual((await settings({ files: { 'jobz.yaml': 'topics: a, b' } })).topics, ['a', 'b'])
})

test('other daemons share the file, each with what it knows', async (t) => {
  const yaml = 'broker: tcp://h:1\nlisten: h:2\nfrontend:\n  listen: h:3\nsemaphore:\nup: {}\n'
  t.is((await settings({ files: { 'jobz.yaml': yaml } })).slots, 4)
})

test('another file is named by --config or JOBZ_CONFIG, and handed on', async (t) => {
  const files = { 'other.yaml': 'slots: 9' }
  t.like(await settings({ files, argv: ['--config', 'other.yaml'] }), {
    slots: 9,
    config: 'other.yaml',
  })
  t.is((await settings({ files, env: { JOBZ_CONFIG: 'other.yaml' } })).slots, 9)
  t.regex(await refusal({ argv: ['--config=gone.yaml'] }), /there is no file gone\.yaml/)
})

const BAD_FILES: readonly [string, RegExp][] = [
  ['slotz: 3', /jobz\.yaml:1:1: unknown key "slotz" \| did you mean slots\?/],
  ['worker:\n  slotz: 3', /jobz\.yaml:2:3: unknown key "slotz" \| did you mean slots\?/],
  ['worker:\n  listen: x', /jobz\.yaml:2:3: unknown key "listen"/],
  ['semaphor: {jobs: x}', /unknown key "semaphor" \| did you mean semaphore\?/],
  ['slots: many', /jobz\.yaml:1:8: slots: "many" is no whole number/],
  ['slots: [1]', /needs a plain value/],
  ['slots:', /needs a plain value/],
  ['topics: [[a]]', /a list of plain words/],
  ['worker: 3', /unknown key "worker"/],
  ['worker: [slots]', /unknown key "worker"/],
  ['slots: 1\nslots: 2', /jobz\.yaml:2:1: the key slots is given twice/],
  ['slots: &a 8', /jobz\.yaml:1:11: anchors are not read/],
  ['slots: !!str 8', /tags are not read/],
  ['worker: &a {slots: 8}\nbroker: *a', /not read/],
  ['worker: {<<: {slots: 8}}', /unknown key "<<"/],
  ['slots: 8\n---\nslots: 9', /multiple documents/],
  ['- a', /expected names with values/],
  ['a: [', /jobz\.yaml/],
  ['slots: *x', /jobz\.yaml/],
  ['__proto__: {slots: 3}', /__proto__ is no name for anything/],
  ['#'.repeat(300_000), /larger than 256 KiB/],
  ['['.repeat(100_000), /levels/],
]
for (const [yaml, said] of BAD_FILES)
  test(`a file that says ${JSON.stringify(yaml.slice(0, 30))} is refused`, async (t) => {
    t.regex(await refusal({ files: { 'jobz.yaml': yaml } }), said)
  })

test('bad flags, variables and stray words are refused', async (t) => {
  t.regex(await refusal({ argv: ['--slot=3'] }), /unknown flag --slot \| did you mean --slots/)
  t.regex(await refusal({ env: { JOBZ_SLOTS: 'x' } }), /JOBZ_SLOTS: "x" is no whole number/)
  t.regex(
    await refusal({ env: { JOBZ_ALLOW_ROOT: 'maybe' } }),
    /JOBZ_ALLOW_ROOT: .*neither true nor/,
  )
  t.regex(await refusal({ argv: ['stray'] }), /takes no "stray"/)
})

test('--help shows every flag with its variable and default', async (t) => {
  const help = await read({ argv: ['--help'] })
  if (help.kind !== 'help') return t.fail()
  t.regex(help.text, /^usage: jobz worker \[flags\]/)
  for (const { flag, env } of TABLE)
    t.true(help.text.includes(`--${flag}`) && help.text.includes(env))
})
