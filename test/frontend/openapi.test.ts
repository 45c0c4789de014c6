import { readFileSync } from 'node:fs'
import test from 'ava'
import { createDocument } from '../../frontend/openapi/document.ts'
import { createRoutes } from '../../frontend/routes/table.ts'
import type { Api } from '../../frontend/routes/route.ts'
import { withFrontend } from './with-frontend.ts'

/** The handlers are never called. */
const document = JSON.parse(JSON.stringify(createDocument(createRoutes({} as Api))))

test('docs/openapi.json is what the code says', (t) => {
  const written = readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8')
  t.deepEqual(JSON.parse(written), document, 'write it anew: node frontend/openapi/write.ts')
})

test('a frontend serves the document', async (t) => {
  const { ask } = await withFrontend(t, () => ({ result: {} }))
  t.deepEqual((await ask('/openapi.json')).json, document)
})

test('every reference leads somewhere, every operation has a name of its own', (t) => {
  const text = JSON.stringify(document)
  for (const [, name = ''] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g))
    t.truthy(document.components.schemas[name], name)
  const operations = Object.values<Record<string, { operationId: string }>>(document.paths).flatMap(
    (path) => Object.values(path).map(({ operationId }) => operationId),
  )
  t.is(new Set(operations).size, operations.length)
  t.true(operations.length > 25)
})

test('what stands in a path is described as a parameter', (t) => {
  for (const [path, operations] of Object.entries<Record<string, any>>(document.paths))
    for (const operation of Object.values(operations)) {
      const inPath = operation.parameters.filter((each: any) => each.in === 'path')
      t.deepEqual(
        inPath.map(({ name }: { name: string }) => `{${name}}`),
        path.match(/\{\w+\}/g) ?? [],
        path,
      )
    }
})
