/** File descriptors are used up: what cannot be opened is refused or waits, and everything goes on when there are some. */
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { until } from '../worker/until.ts'
import { eventually, HELD, makeOutside, present, QUICK } from './outside.ts'

const yaml = `
defaults: {deliver: one}
jobs:
  quick:
    command: |${QUICK}
  held:
    command: |${HELD}
  loud: {command: 'echo loud'}
`

/** What the shell does before it becomes the daemon. */
const few = (descriptors: number) => ({ through: `ulimit -n ${descriptors}; exec "$@"` })

/** Waits until a process has opened (nearly) all that it may. */
const usedUp = (pid: number, descriptors: number): Promise<boolean> =>
  until('all descriptors are used', () => readdirSync(`/proc/${pid}/fd`).length >= descriptors - 3)

/** So many connections that say nothing. */
async function crowd(t: ExecutionContext, port: number, count: number): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => connect(port, '127.0.0.1'))
  for (const socket of sockets) socket.on('error', () => undefined)
  t.teardown(() => sockets.forEach((socket) => socket.destroy()))
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  return sockets
}

test.serial(
  'a crowd at the broker takes all its descriptors: who is in goes on, who is not waits',
  async (t) => {
    const cluster = await makeOutside(t, yaml)
    const broker = await cluster.launch(cluster.args.broker, few(90))
    await cluster.worker()
    await cluster.frontend()
    t.is((await cluster.start('job_name=quick&wait=60s')).state, 'succeeded')
    const crowded = await crowd(t, Number(new URL(cluster.doors.client).port), 120)
    await usedUp(broker.pid, 90)
    const { run_id, state } = await cluster.start('job_name=quick&wait=60s')
    t.is(state, 'succeeded')
    // Its output has no file to go to, so its end is not told yet.
    const loud = await cluster.start('job_name=loud')
    for (const socket of crowded) socket.destroy()
    t.is((await cluster.reached(loud.run_id, 'succeeded', 'failed')).state, 'succeeded')
    const output = await fetch(`${cluster.url}/api/runs/${loud.run_id}/output`)
    t.is(await output.text(), 'loud\n')
    await cluster.worker('web2')
    await present(cluster, 'web2')
    t.is((await cluster.run(run_id)).state, 'succeeded')
  },
)

test.serial(
  'a worker with too few descriptors for its slots fails or gives back what it cannot start, and lives',
  async (t) => {
    const cluster = await makeOutside(t, yaml)
    await cluster.broker()
    const worker = await cluster.launch([...cluster.args.worker('web1'), '--slots', '40'], few(60))
    await cluster.frontend()
    await present(cluster, 'web1')
    const started = await Promise.all(
      Array.from({ length: 40 }, () => cluster.start('job_name=held')),
    )
    await cluster.written('begin held')
    await usedUp(worker.pid, 60)
    cluster.go()
    const states = new Map<string, number>()
    for (const { run_id } of started) {
      const run = await cluster.reached(run_id, 'succeeded', 'failed')
      states.set(run.state, (states.get(run.state) ?? 0) + 1)
      if (run.state === 'failed') t.regex(run.reason ?? '', /could be started/)
    }
    t.true((states.get('succeeded') ?? 0) > 0)
    t.is((await cluster.start('job_name=quick&wait=60s')).state, 'succeeded')
    t.notRegex(worker.log(), /"message":"failed"/)
  },
)

test.serial(
  'a crowd at the frontend takes all its descriptors: it answers again when they are gone',
  async (t) => {
    const cluster = await makeOutside(t, yaml)
    await cluster.broker()
    await cluster.worker()
    const frontend = await cluster.launch(cluster.args.frontend, few(60))
    t.is((await cluster.start('job_name=quick&wait=60s')).state, 'succeeded')
    const crowded = await crowd(t, Number(new URL(cluster.url).port), 100)
    await usedUp(frontend.pid, 60)
    for (const socket of crowded) socket.destroy()
    const { status } = await eventually('it answers', () => fetch(`${cluster.url}/healthz`))
    t.is(status, 200)
    t.is((await cluster.start('job_name=quick&wait=60s')).state, 'succeeded')
    t.notRegex(frontend.log(), /"message":"failed"/)
  },
)
