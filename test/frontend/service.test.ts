import test from 'ava'
import { withFrontend } from './with-frontend.ts'

test('without a broker it is healthy but not ready, and its metrics say so', async (t) => {
  const { ask } = await withFrontend(t, () => 'drop', { patience_ms: 100 })
  t.is((await ask('/healthz')).status, 200)
  const ready = await ask('/readyz')
  t.is(ready.status, 503)
  t.truthy(ready.headers['retry-after'])
  t.regex((await ask('/metrics')).text, /^jobz_broker_up 0$/m)
})

test("metrics are the broker's figures and this frontend's own", async (t) => {
  const figures = {
    version: '0.1.0',
    uptime_s: 12,
    feed_head: '0-1',
    runs: { waiting: 1, queued: 2, running: 3 },
    totals: { triggered: 7, 'Odd name': 1 },
    workers: { present: 1, draining: 0, handing_over: 0, away: 2 },
    lanes: [{ lane: 'a"b\\c\nd', limit: null, running: 1, queued: 0 }],
    reload_errors: [{ worker: 'web17', message: 'jobs/a.yaml:1:1: broken' }],
  }
  const { ask } = await withFrontend(t, () => ({ result: figures }))
  await ask('/healthz')
  await ask('/nowhere/<x>')
  const { text, headers } = await ask('/metrics')
  t.regex(headers['content-type'] ?? '', /^text\/plain; version=0\.0\.4/)
  const lines = text.split('\n')
  for (const line of [
    'jobz_broker_up 1',
    'jobz_build_info{version="0.1.0"} 1',
    'jobz_runs{state="queued"} 2',
    'jobz_workers{state="away"} 2',
    'jobz_lane_running{lane="a\\"b\\\\c\\nd"} 1',
    'jobz_worker_reload_error{worker="web17"} 1',
    'jobz_triggered_total 7',
    'jobz_odd_name_total 1',
    'jobz_http_requests_total{method="GET",route="/healthz",status="200"} 1',
    'jobz_http_requests_total{method="other",route="other",status="404"} 1',
  ])
    t.true(lines.includes(line), line)
  for (const line of lines) t.regex(line, /^(#.*|jobz_[a-z0-9_]+(\{.*\})? [0-9.]+|)$/)
})
