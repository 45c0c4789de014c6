import test from 'ava'
import { z } from 'zod'
import { readChecked } from '../../../common/keys/checked-yaml.ts'

const Policy = z.strictObject({
  jobs: z.array(z.string()).optional(),
  inner: z.strictObject({ role: z.enum(['read', 'admin']) }).optional(),
})
const read = (text: string) => readChecked('policy.yaml', text, Policy, ['jobs', 'inner', 'role'])

test('a good file is a value', (t) => {
  t.deepEqual(read('jobs: [a, b]\n'), { kind: 'checked', value: { jobs: ['a', 'b'] } })
  t.deepEqual(read(''), { kind: 'checked', value: {} })
})

const BAD: readonly (readonly [text: string, says: RegExp])[] = [
  ['job: [a]\n', /^policy\.yaml:1:1: unknown key "job" \(did you mean jobs\?\)$/],
  ['inner:\n  roll: read\n', /policy\.yaml:2:3: unknown key "roll" \(did you mean role\?\)/],
  ['inner: {role: god}\n', /^policy\.yaml:1:15: inner\.role: /],
  ['jobs: &a [x]\ninner: *a\n', /policy\.yaml:1:.*anchors are not read/],
  ['jobs: [a\n', /^policy\.yaml:/],
  ['- a\n', /^policy\.yaml:1:1: the file: /],
  ['[\n'.repeat(100), /^policy\.yaml:/],
]
for (const [text, says] of BAD)
  test(`refused: ${JSON.stringify(text.slice(0, 40))}`, (t) => {
    const checked = read(text)
    t.regex(checked.kind === 'refused' ? checked.message : '', says)
  })
