import test from 'ava'
import type { OutputAnswer, RunView, TaskView } from '../../common/protocol/answers.ts'
import { outputChannel } from '../../common/protocol/feed.ts'
import { accepted, refusal, RUN_ID, runView } from './fake-broker.ts'
import type { FakeBroker, Script } from './fake-broker.ts'
import { withFrontend } from './with-frontend.ts'

const task = (n: number, facts: Partial<TaskView> = {}): TaskView => ({
  task_id: `${RUN_ID}.${n}`,
  worker: `web${n}`,
  state: 'running',
  attempt: 1,
  exit_code: null,
  signal: null,
  reason: null,
  started_at: null,
  finished_at: null,
  output: {},
  stdout_bytes: 0,
  stderr_bytes: 0,
  attempts: [],
  ...facts,
})

/** A run whose commands write into `written`, by `task attempt stream`. */
type World = { view: RunView; written: Map<string, string>; ended: Set<string>; cut?: number }

const scriptOf =
  (world: World): Script =>
  (request) => {
    if (request.kind === 'trigger') return { result: [accepted()] }
    if (request.kind !== 'query') return { result: {} }
    const { question } = request
    if (question.what === 'run')
      return question.run_id === RUN_ID ? { result: world.view } : refusal(404, 'unknown_run')
    if (question.what !== 'output') return { result: {} }
    const { task, attempt, stream, offset, limit } = question
    const name = `${String(task).split('.')[1]} ${attempt} ${stream}`
    const all = Buffer.from(world.written.get(name) ?? '')
    // Small pieces, so that there are several.
    const data = all.subarray(offset, offset + Math.min(limit, 4))
    const next_offset = offset + data.length
    const answer: OutputAnswer = {
      task_id: String(task),
      attempt: attempt ?? 1,
      stream,
      offset,
      data: data.toString('base64'),
      next_offset,
      size: all.length,
      cut_bytes: offset === 0 && data.length > 0 ? (world.cut ?? 0) : 0,
      complete: world.ended.has(name) && next_offset === all.length,
      state: 'running',
    }
    return { result: answer }
  }

const worldOf = (tasks: TaskView[], facts: Partial<RunView> = {}): World => ({
  view: runView({ state: 'running', tasks, ...facts }),
  written: new Map(),
  ended: new Set(),
})

const grew = (broker: FakeBroker): void =>
  broker.publish(outputChannel(RUN_ID), { kind: 'output', run_id: RUN_ID })

function finish(world: World, state: 'succeeded' | 'failed', reason: string | null = null): void {
  const tasks = (world.view.tasks ?? []).map((each) => ({ ...each, state }))
  for (const name of world.written.keys()) world.ended.add(name)
  world.view = runView({ ...world.view, state, reason, tasks })
}

const finished = (state: 'succeeded' | 'failed') => ({
  topic: `run.${state}.load.`,
  run_id: RUN_ID,
  state,
})

/** Fulfilled when `text` has come. */
function until(text: string): { onData: (piece: string) => void; came: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>()
  let all = ''
  const onData = (piece: string): void => {
    all += piece
    if (all.includes(text)) resolve()
  }
  return { onData, came: promise }
}

test('follow gives the output as it comes, and ends well when the run does', async (t) => {
  const world = worldOf([task(0)])
  world.written.set('0 1 stdout', 'reading\n')
  const { ask, broker } = await withFrontend(t, scriptOf(world))
  const first = until('reading\n')
  const answered = ask('/job_start?job_name=load&follow=1', first)
  await first.came
  world.written.set('0 1 stdout', 'reading\nwriting ä\n')
  world.written.set('0 1 stderr', 'odd\n')
  grew(broker)
  finish(world, 'succeeded')
  broker.note(finished('succeeded'))
  const answer = await answered
  t.is(answer.status, 200)
  t.is(answer.text, 'reading\nwriting ä\nodd\n')
  t.true(answer.whole)
  t.is(answer.headers.location, `/api/runs/${RUN_ID}`)
  t.regex(answer.headers['content-type'] ?? '', /^text\/plain/)
  t.is(answer.headers['x-content-type-options'], 'nosniff')
})

test('follow of a run that fails says so in a last line, and cuts the body short', async (t) => {
  const world = worldOf([task(0)])
  world.written.set('0 1 stdout', 'half')
  finish(world, 'failed', 'exit code 3')
  const { ask } = await withFrontend(t, scriptOf(world))
  const answer = await ask('/job_start?job_name=load&follow=1')
  t.is(answer.status, 200)
  t.is(answer.text, `halfjobz: run ${RUN_ID} failed: exit code 3\n`)
  t.false(answer.whole)
})

test('follow tells several tasks apart by their workers, line by line', async (t) => {
  const world = worldOf([task(0), task(1)], { deliver: 'all' })
  world.written.set('0 1 stdout', 'one\ntwo')
  world.written.set('1 1 stdout', 'eins\n')
  finish(world, 'succeeded')
  const { ask } = await withFrontend(t, scriptOf(world))
  const answer = await ask('/job_start?job_name=load&follow=1')
  t.deepEqual(answer.text.split('\n').sort(), ['', 'web0| one', 'web0| two', 'web1| eins'])
})

test('follow goes on with the next attempt, also when one was lost without a word', async (t) => {
  const world = worldOf([task(0, { attempt: 3 })])
  world.written.set('0 1 stdout', 'first\n')
  world.written.set('0 3 stdout', 'third\n')
  finish(world, 'succeeded')
  const { ask } = await withFrontend(t, scriptOf(world))
  t.is((await ask('/job_start?job_name=load&follow=1')).text, 'first\nthird\n')
})

test('a stopping frontend says that the run goes on', async (t) => {
  const world = worldOf([task(0)])
  world.written.set('0 1 stdout', 'begun\n')
  const { ask, stop } = await withFrontend(t, scriptOf(world))
  const first = until('begun\n')
  const answered = ask('/job_start?job_name=load&follow=1', first)
  await first.came
  await stop()
  const answer = await answered
  t.regex(answer.text, /begun\njobz: this frontend is stopping; run .* goes on/)
  t.false(answer.whole)
})

test('follow outlives a restart of the broker', async (t) => {
  const world = worldOf([task(0)])
  world.written.set('0 1 stdout', 'before\n')
  const { ask, broker } = await withFrontend(t, scriptOf(world), { patience_ms: 500 })
  const first = until('before\n')
  const answered = ask('/job_start?job_name=load&follow=1', first)
  await first.came
  await broker.stop()
  world.written.set('0 1 stdout', 'before\nafter\n')
  finish(world, 'succeeded')
  await broker.start()
  const answer = await answered
  t.is(answer.text, 'before\nafter\n')
  t.true(answer.whole)
})

test('the output of a task is given as it is', async (t) => {
  const world = worldOf([task(0)])
  world.written.set('0 1 stdout', 'out <b>\n')
  world.written.set('0 1 stderr', 'err\n')
  const { ask } = await withFrontend(t, scriptOf(world))
  const path = `/api/runs/${RUN_ID}/output`
  const answer = await ask(path)
  t.is(answer.status, 200)
  t.is(answer.text, 'out <b>\n')
  t.true(answer.whole)
  t.is(answer.headers['x-content-type-options'], 'nosniff')
  t.is((await ask(`${path}?stream=stderr`)).text, 'err\n')
  for (const name of ['0', 'web0', `${RUN_ID}.0`])
    t.is((await ask(`${path}?task=${name}`)).text, 'out <b>\n', name)
  t.is((await ask(`${path}?task=web9`)).status, 404)
  t.is((await ask(`${path}?stream=both`)).status, 400)
  t.is((await ask(`${path}?attempt=0`)).status, 400)
  t.is((await ask(`${path}?follow=yes`)).status, 400)
  t.is((await ask('/api/runs/nothing/output')).status, 404)
  t.is((await ask(path, { method: 'HEAD' })).status, 405)
})

test('the output of several tasks needs the name of one', async (t) => {
  const world = worldOf([task(0), task(1)])
  world.written.set('1 1 stdout', 'eins\n')
  const { ask } = await withFrontend(t, scriptOf(world))
  const answer = await ask(`/api/runs/${RUN_ID}/output`)
  t.is(answer.status, 400)
  t.regex(answer.json.error.hint, /web0, web1/)
  t.is((await ask(`/api/runs/${RUN_ID}/output?task=web1`)).text, 'eins\n')
})

test('a run that has not started has no output yet', async (t) => {
  const { ask } = await withFrontend(t, scriptOf(worldOf([])))
  const answer = await ask(`/api/runs/${RUN_ID}/output`)
  t.is(answer.status, 200)
  t.is(answer.text, '')
})

test('what was not kept is said where it is missing', async (t) => {
  const world = { ...worldOf([task(0)]), cut: 1000 }
  world.written.set('0 1 stdout', 'headtail')
  const { ask } = await withFrontend(t, scriptOf(world))
  const { text } = await ask(`/api/runs/${RUN_ID}/output`)
  t.is(text, 'head\n[jobz: 1000 bytes were not kept]\ntail')
})

test('output as events can be taken up again where it broke off', async (t) => {
  const world = worldOf([task(0)])
  world.written.set('0 1 stdout', 'abcdefgh')
  finish(world, 'succeeded')
  const { ask } = await withFrontend(t, scriptOf(world))
  const headers = { accept: 'text/event-stream' }
  const path = `/api/runs/${RUN_ID}/output?follow=1`
  const { text, headers: got } = await ask(path, { headers })
  t.regex(got['content-type'] ?? '', /^text\/event-stream/)
  t.regex(text, /id: 1-4\nevent: output\ndata: \{.*"text":"abcd"/)
  t.regex(text, /event: end\ndata: \{"state":"succeeded","reason":null\}/)
  const again = await ask(path, { headers: { ...headers, 'last-event-id': '1-4' } })
  t.notRegex(again.text, /abcd/)
  t.regex(again.text, /"text":"efgh"/)
})
