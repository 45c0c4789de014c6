/** What a worker takes for secret, and that it still does after whatever happens to it. */
import test from 'ava'
import type { Job } from '../../common/definition/job.ts'
import type { Effect } from '../../worker/core/event.ts'
import type { AttemptTask } from '../../worker/core/state.ts'
import { openSpool } from '../../worker/runner/spool.ts'
import { prepareSpool } from '../../worker/runner/spool-folder.ts'
import { jobsOf } from '../worker/jobs-of.ts'
import { aWorld, type World } from '../worker/core/world.ts'
import { temporaryFolder } from '../worker/runner/with-runner.ts'

const LOAD = 'load: {command: [load], deliver: one, params: {n: {type: int}}}'
const LOGIN = 'login: {command: [login], deliver: one, params: {token: {secret: true}}}'
const jobs = (...lines: string[]): ReadonlyMap<string, Job> =>
  jobsOf(`jobs:\n${lines.map((line) => `  ${line}\n`).join('')}`)

const params = { token: 's3cret', pin: '1234', day: 'monday' }

/** What the spool is told of the next task. */
function kept(world: World, rest: Partial<{ secret: string[]; task_id: string }> = {}) {
  const effects = world.task('load', { task_id: 'r.0', params, ...rest })
  const keep = effects.find((effect): effect is Effect & { kind: 'keep' } => effect.kind === 'keep')
  return keep?.task
}

test('secret is what the broker says, and what any job of the worker does', (t) => {
  const world = aWorld(4, jobs(LOAD, LOGIN))
  world.join()
  t.deepEqual(kept(world)?.secret, ['token'])
  t.deepEqual(kept(world, { task_id: 'r.1', secret: ['pin', 'gone'] })?.secret, ['token', 'pin'])
})

test('a reload adds to what is secret, and takes nothing away', (t) => {
  const world = aWorld(4, jobs(LOAD))
  world.join()
  t.is(kept(world)?.secret, undefined)
  world.happen({ kind: 'reloaded', jobs: jobs(LOAD, LOGIN), reload_error: null })
  world.join()
  t.deepEqual(kept(world, { task_id: 'r.1' })?.secret, ['token'])
  world.happen({ kind: 'reloaded', jobs: jobs(LOAD), reload_error: null })
  world.join()
  t.deepEqual(kept(world, { task_id: 'r.2' })?.secret, ['token'])
})

test('the next daemon of the spool knows it too, whatever its jobs say', (t) => {
  const prepared = prepareSpool(temporaryFolder(t))
  if (prepared.kind === 'refused') throw new Error(prepared.message)
  const { root } = prepared
  const world = aWorld(4, jobs(LOAD, LOGIN))
  world.join()
  const task = kept(world) as AttemptTask
  openSpool(root).spool.keep('r.0#1', task)
  t.deepEqual(openSpool(root).stored[0]?.task, task)
})

test("the worker's own check shows no value either", (t) => {
  const world = aWorld(4, jobs(LOAD))
  world.join()
  const more = { secret: ['token'], params: { token: 's3cret', n: 's3cret' } }
  const effects = world.task('load', { task_id: 'r.0', ...more })
  const [ended] = effects.flatMap((effect) =>
    effect.kind === 'send' && effect.message.kind === 'ended' ? [effect.message] : [],
  )
  t.like(ended, { reason: 'bad_parameter', message: 'parameter n: "***" is not an integer' })
})
