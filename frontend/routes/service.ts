/** About this process itself: is it well, what has it counted, and what can it be asked. */
import type { MetricsAnswer } from '../../common/protocol/answers.ts'
import { metricsText } from '../metrics.ts'
import { json, refuse } from './route.ts'
import type { Api, Route } from './route.ts'

/** A balancer that asks wants an answer soon, whatever it is. */
const HEALTH_PATIENCE_MS = 1_000
const METRICS_PATIENCE_MS = 2_000

const INDEX = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>jobz</title>
<p>This is jobz. Start a job: <code>curl "http://…/job_start?job_name=NAME&amp;key=value"</code>
<p>What there is to ask: <a href="/openapi.json">/openapi.json</a> ·
<a href="/api/runs">runs</a> · <a href="/api/jobs">jobs</a> · <a href="/api/workers">workers</a> ·
<a href="/api/semaphores">semaphores</a> · <a href="/api/lanes">lanes</a>
</html>
`

/** @param document Makes the OpenAPI document; it speaks of these routes too, so it is asked for late. */
export function serviceRoutes(api: Api, document: () => object): Route[] {
  // Anybody may ask for it, as often as he likes.
  let made: object | null = null
  return [
    ...healthRoutes(api),
    {
      method: 'GET',
      path: '/',
      id: 'index',
      role: 'open',
      scope: 'nothing',
      summary: 'For a browser: where things are',
      fields: [],
      answers: { 200: { description: 'a page', type: 'text/html', schema: {} } },
      handle: async () => ({
        kind: 'text',
        status: 200,
        body: INDEX,
        type: 'text/html; charset=utf-8',
      }),
    },
    {
      method: 'GET',
      path: '/openapi.json',
      id: 'openapi',
      role: 'open',
      scope: 'nothing',
      summary: 'This interface as an OpenAPI document',
      fields: [],
      answers: { 200: { description: 'the document', schema: { type: 'object' } } },
      handle: async () => json(200, (made ??= document())),
    },
  ]
}

function healthRoutes(api: Api): Route[] {
  return [
    {
      method: 'GET',
      path: '/healthz',
      id: 'health',
      role: 'open',
      scope: 'nothing',
      summary: 'Whether this process serves',
      fields: [],
      answers: { 200: { description: 'it does', schema: 'Health' } },
      handle: async () => json(200, { ok: true }),
    },
    {
      method: 'GET',
      path: '/readyz',
      id: 'ready',
      role: 'open',
      scope: 'nothing',
      summary: 'Whether the broker answers',
      fields: [],
      answers: {
        200: { description: 'it does', schema: 'Health' },
        503: { description: 'it does not' },
      },
      handle: async () => {
        const question = { what: 'health' } as const
        const asked = await api.broker.ask({ kind: 'query', question }, HEALTH_PATIENCE_MS)
        return asked.kind === 'answered' ? json(200, { ok: true }) : refuse(asked.error)
      },
    },
    {
      method: 'GET',
      path: '/metrics',
      id: 'metrics',
      role: 'read',
      scope: 'everything',
      summary: 'Figures of the broker and of this frontend, as Prometheus reads them',
      fields: [],
      answers: { 200: { description: 'figures', type: 'text/plain', schema: {} } },
      handle: async () => {
        const question = { what: 'metrics' } as const
        const asked = await api.broker.ask<MetricsAnswer>(
          { kind: 'query', question },
          METRICS_PATIENCE_MS,
        )
        const figures = asked.kind === 'answered' ? asked.result : null
        return {
          kind: 'text',
          status: 200,
          body: metricsText(figures, api.counters, api.standing.size),
          type: 'text/plain; version=0.0.4; charset=utf-8',
        }
      },
    },
  ]
}
