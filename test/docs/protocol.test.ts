/**
 * The pages about the inside against the code. docs/PROTOCOL.md: its frames are read, and nothing that the schemas say is
 * missing there. docs/ARCHITECTURE.md: what it names is where it says.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import type { z } from 'zod'
import { Card, Member, ParamRule, Semaphore, Step } from '../../common/definition/card.ts'
import {
  AtClientDoor,
  FromClient,
  Question,
  Reply,
  ToClient,
  Trigger,
} from '../../common/protocol/client-door.ts'
import * as entry from '../../common/protocol/entry.ts'
import { proofOf } from '../../common/keys/proof.ts'
import { decodeFrame } from '../../common/protocol/codec.ts'
import { Published } from '../../common/protocol/feed.ts'
import * as limits from '../../common/protocol/limits.ts'
import { FromWorker, Held, ToWorker } from '../../common/protocol/worker-door.ts'

const ROOT = join(import.meta.dirname, '../..')
const page = readFileSync(join(ROOT, 'docs/PROTOCOL.md'), 'utf8')

/** By the word after `json` where a block begins: whose frame it is. */
const DOORS = new Map<string, z.ZodType>([
  ['from-worker', FromWorker],
  ['to-worker', ToWorker],
  ['from-client', AtClientDoor],
  ['to-client', ToClient],
  ['published', Published],
])

const blocks = [...page.matchAll(/^```json *(\S*)\n([\s\S]*?)^```$/gm)].map(
  ([, door = '', text = '']) => ({ door, text }),
)

/** The page from each heading to the next, those under it included. */
const sections = page.split(/^(?=#{2,3} )/m)
const headed = (name: string): string =>
  sections.filter((section) => section.split('\n')[0]?.includes(`\`${name}\``)).join('\n')

test('every frame of the page is what its door reads, with no field too many', (t) => {
  t.true(blocks.length > 15)
  for (const { door, text } of blocks) {
    const schema = DOORS.get(door)
    if (!schema) {
      t.fail(`a json block says "${door}" and not whose frame it is:\n${text}`)
      continue
    }
    const decoded = decodeFrame(schema, Buffer.from(text))
    if (decoded.kind === 'garbage') {
      t.fail(`${decoded.reason}:\n${text}`)
      continue
    }
    t.deepEqual(decoded.skipped, [], text)
    t.deepEqual(decoded.messages, JSON.parse(text) as unknown[])
  }
})

test('every door has a frame on the page', (t) => {
  for (const door of DOORS.keys())
    t.true(
      blocks.some((block) => block.door === door),
      door,
    )
})

const requests = new Set<string>(FromClient.options.map(({ shape }) => shape.kind.value))
/** What every request of a client has is said once, where they begin. */
const isOfAll = (kind: string, field: string): boolean =>
  requests.has(kind) && field === 'protocol' && /^## Client door[^#]*`protocol`/ms.test(page)

const partOf = ({ shape }: { shape: { kind: { value: string } } }) => ({
  kind: shape.kind.value,
  fields: Object.keys(shape),
})
const messages = [
  ...[FromWorker, ToWorker, AtClientDoor, Reply, Published].flatMap((door) =>
    door.options.map(partOf),
  ),
  ...[entry.Challenge, entry.ClientWelcome, entry.Refused, entry.HelloAgain].map(partOf),
]

test('every kind of message has a part of its own, and every field of it is explained there', (t) => {
  t.true(messages.length > 30)
  for (const { kind, fields } of messages) {
    const part = headed(kind)
    t.not(part, '', `no heading names \`${kind}\``)
    for (const field of fields.filter((name) => name !== 'kind' && !isOfAll(kind, name)))
      t.true(part.includes(`\`${field}\``), `${kind}: nothing about \`${field}\``)
  }
})

test('every question is listed, and every field of it', (t) => {
  const part = headed('query')
  for (const { shape } of Question.options) {
    const [, line] = new RegExp(`^- \`${shape.what.value}\`(.*)$`, 'm').exec(part) ?? []
    t.not(line, undefined, shape.what.value)
    for (const field of Object.keys(shape).filter((name) => name !== 'what'))
      t.true(line?.includes(`\`${field}\``), `${shape.what.value}: nothing about \`${field}\``)
  }
})

test('every field of a card, a trigger and a semaphore is named', (t) => {
  const parts: readonly [z.ZodObject, string][] = [
    [Card, sections.find((section) => section.startsWith('## Cards')) ?? ''],
    [Step, sections.find((section) => section.startsWith('## Cards')) ?? ''],
    [ParamRule, sections.find((section) => section.startsWith('## Cards')) ?? ''],
    [Trigger, headed('trigger')],
    [Semaphore, headed('place')],
    [Member, headed('place')],
    [Held, headed('hello')],
    [entry.Proof, headed('proof')],
  ]
  for (const [schema, part] of parts)
    for (const field of Object.keys(schema.shape))
      t.true(new RegExp(`[\`{,] ?${field}[\`?,}]`).test(part), field)
})

test('every field of an answer is named', (t) => {
  const answers = readFileSync(join(ROOT, 'common/protocol/answers.ts'), 'utf8').replaceAll(
    /\/\*[\s\S]*?\*\//g,
    '',
  )
  const fields = new Set([...answers.matchAll(/[\s{](\w+)\??: /g)].map(([, field = '']) => field))
  t.true(fields.size > 60)
  for (const field of fields) t.true(new RegExp(`[\`{, ]${field}[\`,:}]`).test(page), field)
})

test('every reason for which the broker refuses is in the table of errors, with its status', (t) => {
  const part = sections.find((section) => section.startsWith('## Errors')) ?? ''
  const listed = [...part.matchAll(/^\| `(\w+)` +\| (\d{3})/gm)].map(([, ...row]) => row.join(' '))
  const given = new Set(
    ['broker/core', 'broker/edge', 'broker/store']
      .flatMap((room) =>
        readdirSync(join(ROOT, room), { recursive: true, encoding: 'utf8' })
          .filter((name) => name.endsWith('.ts'))
          .map((name) => join(ROOT, room, name)),
      )
      .flatMap((path) => [
        ...readFileSync(path, 'utf8').matchAll(/\bfailure\(\s*(\d{3}),\s*'(\w+)'/g),
      ])
      .map(([, status = '', code = '']) => `${code} ${status}`),
  )
  t.true(given.size > 15)
  t.deepEqual(listed.sort(), [...given].sort())
})

test('the proof on the page is the one that its steps make', (t) => {
  const [, secret = '', broker = '', challenge = '', name = '', instance = '', mac = ''] =
    /secret key `(\S+)`, the broker's public key `(\S+)`, the challenge `(\w+)`, and the worker `(\w+)` of\s+instance `(\w+)`, it is `(\w+)`/.exec(
      page,
    ) ?? []
  t.is(proofOf(secret, broker, { door: 'worker', challenge, name, instance }), mac)
  t.is(mac.length, 64)
})

test('the numbers are those of the code', (t) => {
  for (const [name, value] of Object.entries(limits))
    t.true(new RegExp(`^\\| \`${name}\` +\\| ${value} +\\|`, 'm').test(page), name)
})

test('the worker at the end announces a card that the door takes, and says only what there is', (t) => {
  const [, program = ''] = /^```python\n([\s\S]*?)^```$/m.exec(page) ?? []
  const [, card = ''] = /json\.loads\("""([\s\S]*?)"""\)/.exec(program) ?? []
  t.deepEqual(Card.parse(JSON.parse(card)), JSON.parse(card))
  const kinds = new Set(FromWorker.options.map(({ shape }) => shape.kind.value as string))
  const said = [...program.matchAll(/"kind": "(\w+)"/g)].map(([, kind = '']) => kind)
  t.true(said.length > 5)
  for (const kind of said) t.true(kinds.has(kind), kind)
})

test('what the page about the architecture names is where it says', (t) => {
  const text = readFileSync(join(ROOT, 'docs/ARCHITECTURE.md'), 'utf8')
  const paths = new Set([...text.matchAll(/\b[a-z]+\/[\w/-]+\.ts\b/g)].map(([path]) => path))
  t.true(paths.size > 40)
  for (const path of paths) t.true(existsSync(join(ROOT, path)), path)
  const named = [...text.matchAll(/`(\w+)`\s\(([\w/-]+\.ts)\)|`(\w+)` in\s([\w/-]+\.ts)/g)]
  t.true(named.length > 40)
  for (const [, name = '', path = '', other_name = '', other_path = ''] of named) {
    const code = readFileSync(join(ROOT, path || other_path), 'utf8')
    const word = new RegExp(`\\b${name || other_name}\\b`)
    t.true(word.test(code), `${name || other_name} is not in ${path || other_path}`)
  }
})
