/** The network between the daemons breaks in all the ways it can: nothing is lost, doubled or left hanging. */
import test from 'ava'
import type { RunView } from '../../common/protocol/answers.ts'
import { until } from '../worker/until.ts'
import { eventually, HELD, makeOutside, QUICK } from './outside.ts'

const yaml = `
defaults: {deliver: one}
jobs:
  held:
    on_success: after
    command: |${HELD}
  after:
    command: |${QUICK}
  quick:
    params: {tag: {default: none}}
    command: |${QUICK}
  once:
    on_lost: fail
    command: |${HELD}
  waits:
    on_lost: wait
    command: |${HELD}
  joined:
    command: |${QUICK}
semaphores:
  both: {wait_for: [held, after], then: joined}
`

test.serial('a link that is cut again and again while a command runs', async (t) => {
  const cluster = await makeOutside(t, yaml)
  const { proxy, lines } = cluster
  await cluster.broker()
  await cluster.farWorker()
  await cluster.frontend()
  const { run_id } = await cluster.start('job_name=held')
  await cluster.written('begin held')
  for (let cuts = 0; cuts < 3; cuts += 1) {
    await until('both connections of the worker stand', () => proxy.connections() >= 2)
    proxy.cut()
  }
  cluster.go()
  t.is((await cluster.reached(run_id, 'succeeded', 'failed')).state, 'succeeded')
  await cluster.written('end after')
  t.deepEqual(lines(), [
    'begin held 1 web1',
    'end held 1 web1',
    'begin after 1 web1',
    'end after 1 web1',
  ])
})

test.serial('a link that is cut in the middle of a frame, in both directions', async (t) => {
  const cluster = await makeOutside(t, yaml)
  const { proxy, lines } = cluster
  const broker = await cluster.broker()
  await cluster.farWorker()
  await cluster.frontend()
  for (const [place, direction] of (['up', 'down'] as const).entries()) {
    const before = proxy.cuts()
    // Within the first frame that passes: `accepted` and `started` are longer than this, and so is a task.
    proxy.cutAfter(direction, 40)
    const { state } = await cluster.start(`job_name=quick&tag=t${place}&wait=60s`)
    t.is(state, 'succeeded', direction)
    t.true(proxy.cuts() > before, direction)
  }
  t.is(lines().filter((line) => line.startsWith('begin quick')).length, 2)
  t.notRegex(broker.log(), /"level":"error"/)
})

test.serial(
  'acknowledgements that do not come back: what they were for is not done twice',
  async (t) => {
    const cluster = await makeOutside(t, yaml)
    const { proxy, lines } = cluster
    await cluster.broker()
    await cluster.farWorker()
    await cluster.frontend()
    const { run_id } = await cluster.start('job_name=held')
    await cluster.written('begin held')
    proxy.freeze('down')
    cluster.go()
    t.is((await cluster.reached(run_id, 'succeeded', 'failed')).state, 'succeeded')
    proxy.cut()
    proxy.heal()
    await cluster.written('end after')
    await eventually('the worker holds nothing', async () => {
      const { workers } = (await cluster.json('/api/workers')) as {
        workers: { holds: unknown[] }[]
      }
      return workers.every(({ holds }) => holds.length === 0)
    })
    t.deepEqual(
      lines().map((line) => line.split(' ').slice(0, 2).join(' ')),
      ['begin held', 'end held', 'begin after', 'end after'],
    )
    t.is((await cluster.runs('job=after')).length, 1)
  },
)

test.serial('a slow network only takes longer', async (t) => {
  const cluster = await makeOutside(t, yaml)
  await cluster.broker()
  cluster.proxy.delay(250)
  await cluster.farWorker()
  await cluster.launch([...cluster.args.semaphore, '--broker', cluster.proxy.address])
  await cluster.frontend()
  cluster.go()
  const { flow_state } = await cluster.start('job_name=held&wait=60s&of=flow')
  t.is(flow_state, 'succeeded')
  await cluster.written('end joined')
  t.is((await cluster.runs('job=joined')).length, 1)
})

test.serial(
  'a frontend whose link is cut and frozen while a client waits gives the true answer',
  async (t) => {
    const cluster = await makeOutside(t, yaml)
    const { proxy } = cluster
    await cluster.broker()
    await cluster.worker()
    await cluster.launch([...cluster.args.frontend, '--broker', proxy.address])
    const waiting = cluster.start('job_name=held&wait=60s&of=flow')
    await cluster.written('begin held')
    proxy.cut()
    await until('the frontend is back', () => proxy.connections() >= 2)
    proxy.freeze()
    cluster.go()
    await cluster.written('end after')
    proxy.heal()
    t.like(await waiting, { state: 'succeeded', flow_state: 'succeeded' })
  },
)

test.serial(
  'a trigger whose answer was lost, repeated by its client, is the same run',
  async (t) => {
    const cluster = await makeOutside(t, yaml)
    const { proxy } = cluster
    await cluster.broker()
    await cluster.worker()
    await cluster.launch([...cluster.args.frontend, '--broker', proxy.address])
    // A frontend beside the broken network, to look through.
    const port = cluster.spare_port + 3
    await cluster.launch([...cluster.args.frontend, '--listen', `127.0.0.1:${port}`])
    proxy.freeze('down')
    const impatient = new AbortController()
    const query = 'job_name=quick&request_id=only&tag=x'
    const lost = fetch(`${cluster.url}/job_start?${query}`, { signal: impatient.signal })
    const first = await eventually('the run is there', async () => {
      const response = await fetch(`http://127.0.0.1:${port}/api/runs?param.tag=x`)
      return ((await response.json()) as { runs: RunView[] }).runs[0]
    })
    impatient.abort()
    await t.throwsAsync(lost)
    proxy.cut()
    proxy.heal()
    const again = await cluster.start(query)
    t.like(again, { run_id: first.run_id, duplicate: true })
    t.is((await cluster.runs('job=quick')).length, 1)
  },
)

test.serial(
  'a semaphore that is cut off while its last member arrives opens its gate once',
  async (t) => {
    const cluster = await makeOutside(t, yaml)
    const { proxy } = cluster
    await cluster.broker()
    await cluster.worker()
    await cluster.launch([...cluster.args.semaphore, '--broker', proxy.address])
    await cluster.frontend()
    await cluster.start('job_name=held')
    await cluster.written('begin held')
    proxy.refuse()
    cluster.go()
    await cluster.written('end after')
    t.is((await cluster.runs('job=joined')).length, 0)
    proxy.heal()
    await cluster.written('end joined')
    t.is((await cluster.runs('job=joined')).length, 1)
  },
)

test.serial(
  'a link that is frozen past the lease: each job by its own rule, and nothing at once in two places',
  async (t) => {
    const cluster = await makeOutside(t, yaml)
    const { proxy, lines } = cluster
    await cluster.broker()
    const worker = await cluster.farWorker('far', '--slots', '3')
    await cluster.frontend()
    const held = await cluster.start('job_name=held')
    const once = await cluster.start('job_name=once')
    const waits = await cluster.start('job_name=waits')
    for (const job of ['held', 'once', 'waits']) await cluster.written(`begin ${job} 1 far`)
    await cluster.worker('near')
    proxy.freeze()
    const lost = await cluster.reached(once.run_id, 'failed', 'succeeded')
    t.like(lost, { state: 'failed', reason: 'its worker was not heard of in time' })
    await cluster.written('begin held 2 near')
    t.is((await cluster.run(waits.run_id)).state, 'running')
    await until('the worker dials anew', () => worker.log().includes('dialling anew'), 20_000)
    proxy.heal()
    // What nobody wants any more is stopped before it is let go.
    await eventually('the far worker holds only what waits', async () => {
      const { workers } = (await cluster.json('/api/workers')) as {
        workers: { worker: string; state: string; running: number; holds: string[] }[]
      }
      const far = workers.find((one) => one.worker === 'far')
      return far?.state === 'present' && far.holds.length === 1
    })
    cluster.go()
    t.is((await cluster.reached(held.run_id, 'succeeded', 'failed')).state, 'succeeded')
    t.is((await cluster.reached(waits.run_id, 'succeeded', 'failed')).state, 'succeeded')
    await cluster.written('end after')
    const begins = lines()
      .filter((line) => line.startsWith('begin'))
      .toSorted()
    t.deepEqual(
      begins.filter((line) => !line.includes('after')),
      ['begin held 1 far', 'begin held 2 near', 'begin once 1 far', 'begin waits 1 far'],
    )
    t.is((await cluster.runs('job=after')).length, 1)
  },
)
