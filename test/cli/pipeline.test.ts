/** What `npm start` shows once everything is up. */
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { playPipeline } from '../../cli/watch/pipeline.ts'
import { fakeFrontend, inTurn } from './fake-frontend.ts'
import type { Routes } from './fake-frontend.ts'
import { accepted, ended, flowView, OTHER_ID, RUN_ID, taskView } from './views.ts'

async function play(t: ExecutionContext, routes: Routes, stays: boolean) {
  const { url, asked } = await fakeFrontend(t, routes)
  let out = ''
  const output = { write: (text: unknown) => (out += String(text)), isTerminal: true }
  const { signal } = new AbortController()
  const shown = { ...output, colours: false }
  const terminal = { out: shown, err: shown, width: 80, env: {}, interrupted: signal }
  return { code: await playPipeline(terminal, url, { stays }), out, asked }
}

const report = ended('succeeded', { run_id: OTHER_ID, finished_at: '2026-11-23T09:00:00.000Z' })
const routes = (state: 'succeeded' | 'failed'): Routes => ({
  'GET /api/jobs': inTurn({ jobs: [] }, { jobs: [{ job: 'import_category_dump' }] }),
  'POST /job_start': { json: accepted },
  [`GET /api/flows/${RUN_ID}`]: { json: flowView(state, true, ended(state), report) },
  [`GET /api/runs/${RUN_ID}`]: { json: ended(state, { tasks: [taskView()] }) },
  [`GET /api/runs/${OTHER_ID}`]: {
    json: { ...report, tasks: [taskView({ output: { report: '/tmp/report\u001b[2J.md' } })] },
  },
})

test('it waits for the job, starts it for today, shows each step, the report and what to try', async (t) => {
  const { code, out, asked } = await play(t, routes('succeeded'), true)
  t.is(code, 0)
  const body = asked.find(({ method }) => method === 'POST')?.body
  t.deepEqual(body, { job_name: 'import_category_dump', date: 'today' })
  t.regex(out, /\$ curl "http:.*date=today"\n/)
  t.regex(out, /succeeded {2}import_category_dump/)
  t.regex(out, /The flow succeeded\.\nThe report: \/tmp\/report\.md\n/)
  t.regex(out, /Try next: curl "http.*\$\(date \+%Y_%m_%d\)"/)
  t.regex(out, /Ctrl-C stops it/)
})

test('a flow that fails: 1, and nothing more to try when it ends after it', async (t) => {
  const { code, out } = await play(t, routes('failed'), false)
  t.is(code, 1)
  t.regex(out, /The flow did not succeed/)
  t.notRegex(out, /Try next/)
})
