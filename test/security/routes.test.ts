/**
 * Who may do what over HTTP, in one table: every route, asked by everybody. It fails when a route is not in it, so that
 * nobody adds one without saying who it is for.
 */
import test from 'ava'
import type { Api } from '../../frontend/routes/route.ts'
import { createRoutes } from '../../frontend/routes/table.ts'
import { RUN_ID } from '../frontend/fake-broker.ts'
import { actions, closedFrontend, OTHER_ID, runToken, tell } from './closed.ts'

type Row = {
  /** As the table of routes has it. */
  readonly route: string
  readonly path: string
  readonly needs: 'open' | 'read' | 'trigger' | 'operate' | 'admin'
  /**
   * Whether (+) or not (-) let in are: a token for all roles but for the job `load` alone, and one for `other` alone; and
   * the own tokens of the run of `load`, and of the run of `other`.
   */
  readonly limited: '++' | '+-' | '--'
  readonly runs: '++' | '+-' | '-+' | '--'
  readonly body?: unknown
}

const row = (
  route: string,
  path: string,
  needs: Row['needs'],
  limited: Row['limited'],
  runs: Row['runs'] = '--',
  body?: unknown,
): Row => ({ route, path, needs, limited, runs, body })

const RUN = `/api/runs/${RUN_ID}`
const FLOW = `/api/flows/${RUN_ID}`
const SHORT = RUN_ID.slice(-8)
const TABLE: readonly Row[] = [
  row('GET /', '/', 'open', '++', '++'),
  row('GET /healthz', '/healthz', 'open', '++', '++'),
  row('GET /readyz', '/readyz', 'open', '++', '++'),
  row('GET /openapi.json', '/openapi.json', 'open', '++', '++'),

  row('GET /job_start', '/job_start?job_name=load', 'trigger', '+-', '++'),
  row('GET /job_start', `/job_start?job_name=load&parent_run_id=${RUN_ID}`, 'trigger', '+-', '+-'),
  row('GET /job_start', `/job_start?job_name=load&parent_run_id=${SHORT}`, 'trigger', '+-', '+-'),
  row(
    'GET /job_start',
    `/job_start?job_name=load&parent_run_id=${OTHER_ID}`,
    'trigger',
    '--',
    '-+',
  ),
  row('POST /job_start', '/job_start?job_name=load', 'trigger', '+-', '++'),
  row('POST /job_start', '/job_start', 'trigger', '+-', '++', { job_name: 'load' }),
  row('POST /api/runs', '/api/runs', 'trigger', '+-', '++', { job: 'load' }),
  row('POST /api/runs', '/api/runs', 'trigger', '+-', '+-', { job: 'load', parent_run_id: RUN_ID }),

  row('GET /job_status', `/job_status?run_id=${RUN_ID}`, 'read', '+-', '+-'),
  row('GET /job_status', `/job_status?run_id=${SHORT}`, 'read', '+-', '+-'),
  row('GET /job_status', `/job_status?run_id=${RUN_ID}&message=m`, 'trigger', '+-', '+-'),
  row('GET /job_status', `/job_status?run_id=${RUN_ID}&progress=5`, 'trigger', '+-', '+-'),

  row('GET /api/runs', '/api/runs', 'read', '--'),
  row('GET /api/runs', '/api/runs?job=load', 'read', '+-'),
  row('GET /api/runs/{run_id}', RUN, 'read', '+-', '+-'),
  row('GET /api/runs/{run_id}', `/api/runs/${SHORT}`, 'read', '+-', '+-'),
  row('GET /api/runs/{run_id}/explain', `${RUN}/explain`, 'read', '+-'),
  row('GET /api/runs/{run_id}/output', `${RUN}/output`, 'read', '+-'),
  row('POST /api/runs/{run_id}/cancel', `${RUN}/cancel`, 'operate', '+-'),
  row('POST /api/runs/{run_id}/retry', `${RUN}/retry`, 'operate', '+-'),
  row('POST /api/runs/retry', '/api/runs/retry', 'operate', '--', '--', [RUN_ID]),

  row('GET /api/flows/{flow_id}', FLOW, 'read', '+-'),
  row('POST /api/flows/{flow_id}/cancel', `${FLOW}/cancel`, 'operate', '+-'),
  row('POST /api/flows/{flow_id}/retry', `${FLOW}/retry`, 'operate', '+-'),

  row('GET /api/jobs', '/api/jobs', 'read', '++'),
  row('GET /api/jobs/{job}/explain', '/api/jobs/load/explain', 'read', '+-'),
  row('GET /api/refusals', '/api/refusals', 'read', '--'),
  row('GET /api/refusals', '/api/refusals?job=load', 'read', '+-'),
  row('GET /api/workers', '/api/workers', 'read', '--'),
  row('GET /api/semaphores', '/api/semaphores', 'read', '--'),
  row('GET /api/lanes', '/api/lanes', 'read', '--'),
  row('GET /api/events', '/api/events', 'read', '--'),
  row('GET /metrics', '/metrics', 'read', '--'),

  row('POST /api/workers/{worker}/drain', '/api/workers/web1/drain', 'operate', '--'),
  row('POST /api/workers/{worker}/forget', '/api/workers/web1/forget', 'admin', '--'),
  row('POST /api/semaphores/{semaphore}/forget', '/api/semaphores/s/forget', 'admin', '--'),
  row('POST /api/semaphores/{semaphore}/{key}/open', '/api/semaphores/s/k/open', 'operate', '--'),
  row('POST /api/semaphores/{semaphore}/{key}/reset', '/api/semaphores/s/k/reset', 'operate', '--'),
]

const ROUTES = createRoutes({} as Api).map(({ method, path }) => `${method} ${path}`)

test('every route is in this table, and no other', (t) => {
  t.deepEqual([...new Set(TABLE.map(({ route }) => route))].sort(), [...ROUTES].sort())
})

const ROLES = ['read', 'trigger', 'operate', 'admin'] as const

/** Who asks, the expected status of who is not let in, and whether one is. */
type Asker = readonly [name: string, denied: 401 | 403, isLetIn: (row: Row) => boolean]
const isOpen = ({ needs }: Row): boolean => needs === 'open'
const ASKERS: readonly Asker[] = [
  ['nobody', 401, isOpen],
  ['expired', 401, isOpen],
  ['revoked', 401, isOpen],
  ['a false run', 401, isOpen],
  ...ROLES.map((role): Asker => [
    role,
    403,
    ({ needs }) => needs === 'open' || ROLES.indexOf(role) >= ROLES.indexOf(needs),
  ]),
  ['only load', 403, ({ limited }) => limited[0] === '+'],
  ['only other', 403, ({ limited }) => limited[1] === '+'],
  ['run of load', 403, ({ runs }) => runs[0] === '+'],
  ['run of other', 403, ({ runs }) => runs[1] === '+'],
]

test('everybody asks for everything', async (t) => {
  t.timeout(120_000)
  const rights = Object.fromEntries(ROLES.map((role) => [role, { role, rate: 1000 }] as const))
  const { url, broker, tokens } = await closedFrontend(t, {
    ...rights,
    expired: { role: 'admin', expires: '2020-01-01T00:00:00Z' },
    only_load: { role: 'admin', jobs: ['lo*d'] },
    only_other: { role: 'admin', jobs: ['other'] },
  })
  const tokenOf = (name: string): string | undefined => {
    if (name === 'nobody') return undefined
    if (name === 'a false run') return runToken('0190f5c2-7b1a-7000-8000-bbbbbbbbbbbb')
    if (name.startsWith('run of')) return runToken(name === 'run of load' ? RUN_ID : OTHER_ID)
    return tokens.token(name.replace(' ', '_'))
  }
  for (const [n, row] of TABLE.entries())
    for (const [name, denied, isLetIn] of ASKERS) {
      const before = actions(broker.seen).length
      const [method = ''] = row.route.split(' ')
      const told = await tell(url, row.path, {
        method,
        token: tokenOf(name),
        body: row.body,
        // So that the wrong tokens of one row do not slow down the next.
        from: `127.0.1.${n + 1}`,
      })
      const what = `${name}: ${method} ${row.path} ${told.status} ${told.message}`
      if (isLetIn(row)) t.false([401, 403, 404, 405, 429, 500].includes(told.status), what)
      else {
        t.is(told.status, denied, what)
        t.is(told.headers['www-authenticate'], denied === 401 ? 'Bearer realm="jobz"' : undefined)
        t.is(actions(broker.seen).length, before, `${what}: it was done all the same`)
      }
    }
})

test('HEAD fires nothing anywhere, and other methods are not there', async (t) => {
  const { url, broker, tokens } = await closedFrontend(t, {
    admin: { role: 'admin', rate: 10_000 },
  })
  const token = tokens.token('admin')
  for (const { path } of TABLE)
    for (const method of ['HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH']) {
      const { status } = await tell(url, path, { method, token })
      // Where only POST is served, HEAD may ask of another route: of the run that is called `retry`.
      t.true(
        status === 405 || (method === 'HEAD' && [200, 404].includes(status)),
        `${method} ${path}: ${status}`,
      )
    }
  t.deepEqual(actions(broker.seen), [])
})
