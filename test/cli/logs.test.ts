/** `jobz logs`: bytes as they are for programs, harmless lines for a terminal, prefixes where tasks mix. */
import test from 'ava'
import { ask } from './run.ts'
import { inTurn, refusal, text } from './fake-frontend.ts'
import type { Reply, Routes } from './fake-frontend.ts'
import { ended, RUN_ID, runView, taskView } from './views.ts'

const OUTPUT = `GET /api/runs/${RUN_ID}/output`
const RUN = `GET /api/runs/${RUN_ID}`

/** Answers by task and stream. */
const outputs =
  (texts: Record<string, string | Buffer>): Reply =>
  (response, asked) =>
    response.end(texts[`${asked.query.get('task')} ${asked.query.get('stream')}`] ?? '')

const one: Routes = {
  [RUN]: { json: ended('succeeded', { tasks: [taskView()] }) },
  [OUTPUT]: outputs({ [`${RUN_ID}.0 stdout`]: 'out\n', [`${RUN_ID}.0 stderr`]: 'err\n' }),
}

test('each stream goes where it belongs', async (t) => {
  const { code, out, err } = await ask(t, ['logs', RUN_ID], one)
  t.deepEqual([code, out, err], [0, 'out\n', 'err\n'])
  const only = await ask(t, ['logs', RUN_ID, '--stream', 'stderr'], one)
  t.deepEqual([only.out, only.err], ['', 'err\n'])
})

const WILD = 'a\u001b[31mred\u001b[0m\r\nprogress 1\rprogress 2\n\u001b]0;x\u0007last'

test('a terminal gets harmless lines, unless --raw; a pipe gets every byte', async (t) => {
  const bytes = Buffer.concat([Buffer.from(WILD), Buffer.from([0xff, 0, 0xfe])])
  const routes = { ...one, [OUTPUT]: outputs({ [`${RUN_ID}.0 stdout`]: bytes }) }
  const terminal = await ask(t, ['logs', RUN_ID], routes, { columns: 80 })
  t.is(terminal.out, 'ared\nprogress 1\nprogress 2\nlast\ufffd\ufffd\n')
  const { asked: _, ...raw } = await ask(t, ['logs', RUN_ID, '--raw'], routes, { columns: 80 })
  t.is(raw.out, bytes.toString())
  t.is((await ask(t, ['logs', RUN_ID], routes)).out, bytes.toString())
})

const pieces: Reply = (response, { query }) => {
  if (query.get('stream') === 'stderr') return response.end()
  response.write('a\u001b[3', () =>
    response.write('1mb\u2026'.slice(0, 4), () => response.end('\n')),
  )
}

test('sequences that are cut by the network are taken out all the same', async (t) => {
  const { out } = await ask(t, ['logs', RUN_ID], { ...one, [OUTPUT]: pieces }, { columns: 80 })
  t.is(out, 'ab…\n')
})

test('lines of several tasks begin with their worker', async (t) => {
  const tasks = [taskView(), taskView({ task_id: `${RUN_ID}.1`, worker: 'web\u001b[2J18' })]
  const routes = {
    [RUN]: { json: ended('succeeded', { tasks }) },
    [OUTPUT]: outputs({
      [`${RUN_ID}.0 stdout`]: '1\n2',
      [`${RUN_ID}.1 stdout`]: '3\n',
      [`${RUN_ID}.1 stderr`]: 'e\n',
    }),
  }
  const both = await ask(t, ['logs', RUN_ID], routes)
  t.is(both.out, 'web17| 1\nweb17| 2\nweb18| 3\n')
  t.is(both.err, 'web18| e\n')
  for (const name of ['web17', '0', `${RUN_ID}.0`])
    t.is((await ask(t, ['logs', RUN_ID, '--task', name], routes)).out, '1\n2')
  t.is((await ask(t, ['logs', RUN_ID, '--task', 'web99'], routes)).code, 4)
})

test('-f waits for the run to have tasks, and asks to go on', async (t) => {
  const routes = {
    ...one,
    [RUN]: inTurn(runView({ tasks: [] }), runView({ state: 'running', tasks: [taskView()] })),
  }
  const { code, out, err, asked } = await ask(t, ['logs', RUN_ID, '-f', '--stream=stdout'], routes)
  t.deepEqual([code, out], [0, 'out\n'])
  t.regex(err, /queued: its output comes when it runs/)
  t.is(asked.at(-1)?.query.get('follow'), '1')
})

const cut: Reply = (response) => {
  response.writeHead(200, { 'content-type': 'text/plain' })
  response.write('half', () => response.destroy())
}

test('output that is cut short is unreachable: 3', async (t) => {
  const { code, out, err } = await ask(t, ['logs', RUN_ID], { ...one, [OUTPUT]: cut })
  t.is(code, 3)
  t.regex(out, /^half/)
  t.regex(err, /cut short/)
})

test('an unknown run, and output that is refused', async (t) => {
  const unknown = { [RUN]: refusal(404, 'unknown_run', 'no such run') }
  t.is((await ask(t, ['logs', RUN_ID], unknown)).code, 4)
  const refused = { ...one, [OUTPUT]: refusal(429, 'busy', 'too many wait') }
  t.is((await ask(t, ['logs', RUN_ID], refused)).code, 4)
})

test('Ctrl-C ends following: 130', async (t) => {
  const interrupt = new AbortController()
  const forever: Reply = (response) => {
    response.writeHead(200, { 'content-type': 'text/plain' })
    response.write('half', () => interrupt.abort())
  }
  const how = { interrupted: interrupt.signal }
  const { code } = await ask(t, ['logs', RUN_ID, '-f'], { ...one, [OUTPUT]: forever }, how)
  t.is(code, 130)
})

test('start --follow shows the output on standard error, and ends as the run does', async (t) => {
  const run = ended('failed', { tasks: [taskView({ state: 'failed' })] })
  const accepted = { run_id: RUN_ID, flow_id: RUN_ID, job: 'dump', state: 'queued', workers: 1 }
  const routes = {
    ...one,
    [RUN]: { json: run },
    'POST /job_start': { json: accepted },
    [`GET /api/flows/${RUN_ID}`]: {
      json: { flow_id: RUN_ID, state: 'failed', settled: true, runs: [run] },
    },
    [OUTPUT]: text('words\n'),
  }
  const { code, out, err } = await ask(t, ['start', 'dump', '--follow'], routes)
  t.is(code, 1)
  t.is(out, `${RUN_ID}\n`)
  t.regex(err, /^words\nwords\n.*failed/)
})
