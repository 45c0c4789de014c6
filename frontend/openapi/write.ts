/** Writes docs/openapi.json anew: `node frontend/openapi/write.ts`. A test tells when that is due. */
import { writeFileSync } from 'node:fs'
import type { Api } from '../routes/route.ts'
import { createRoutes } from '../routes/table.ts'
import { createDocument } from './document.ts'

// The document speaks of the routes and calls none of them.
const routes = createRoutes({} as Api)
const target = new URL('../../docs/openapi.json', import.meta.url)
writeFileSync(target, `${JSON.stringify(createDocument(routes), null, 2)}\n`)
