import { readFileSync } from 'node:fs'
import test from 'ava'
import { parseDefinitions } from '../../../common/definition/parse.ts'
import { showProblem } from '../../../common/definition/problem.ts'
import { jobsJsonSchema } from '../../../common/definition/schema.ts'

test('the JSON Schema for editors is made from the schema that checks files', (t) => {
  const file = new URL('../../../docs/jobs.schema.json', import.meta.url)
  t.deepEqual(JSON.parse(readFileSync(file, 'utf8')), JSON.parse(JSON.stringify(jobsJsonSchema())))
})

test('docs/JOBS.md has every key', (t) => {
  const page = readFileSync(new URL('../../../docs/JOBS.md', import.meta.url), 'utf8')
  const keys = new Set<string>()
  const collect = (schema: unknown): void => {
    if (typeof schema !== 'object' || schema === null) return
    if ('properties' in schema)
      for (const key of Object.keys(schema.properties as object)) keys.add(key)
    for (const inner of Object.values(schema)) collect(inner)
  }
  collect(jobsJsonSchema())
  t.deepEqual(
    [...keys].filter((key) => !page.includes(`\`${key}\``)),
    [],
  )
})

test('the whole examples of docs/JOBS.md load', (t) => {
  const page = readFileSync(new URL('../../../docs/JOBS.md', import.meta.url), 'utf8')
  const blocks = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1] ?? '')
  const whole = blocks.filter((text) => /^(?:jobs|semaphores):/m.test(text))
  t.is(whole.length, 3)
  for (const text of whole) {
    const loaded = parseDefinitions([{ file: 'docs/JOBS.md', text }])
    t.deepEqual(loaded.kind === 'refused' ? loaded.problems.map(showProblem) : [], [])
  }
})
