/** Every route there is, in the order in which the document lists them. */
import { createDocument } from '../openapi/document.ts'
import { bulkRetryRoutes } from './bulk-retry.ts'
import { bulkRoutes } from './bulk.ts'
import { eventRoutes } from './events.ts'
import { flowRoutes } from './flows.ts'
import { jobStartRoutes } from './job-start.ts'
import { jobStatusRoutes } from './job-status.ts'
import { listRoutes } from './lists.ts'
import { operationRoutes } from './operations.ts'
import { outputRoutes } from './output.ts'
import type { Api, Route } from './route.ts'
import { runRoutes } from './runs.ts'
import { serviceRoutes } from './service.ts'

export function createRoutes(api: Api): Route[] {
  const routes: Route[] = [
    ...jobStartRoutes(api),
    ...jobStatusRoutes(api),
    ...bulkRoutes(api),
    ...runRoutes(api),
    ...bulkRetryRoutes(api),
    ...outputRoutes(api),
    ...flowRoutes(api),
    ...listRoutes(api),
    ...operationRoutes(api),
    ...eventRoutes(api),
    ...serviceRoutes(api, () => createDocument(routes)),
  ]
  return routes
}
