/** The pub/sub socket: a worker hears what its key may serve, a client the feed, and nobody anything by guessing. */
import test from 'ava'
import type { JobView, WorkerView } from '../../common/protocol/answers.ts'
import { until } from '../worker/until.ts'
import { comeIn, dial, follow, makeKeyedCluster } from './keyed.ts'

const YAML = `
jobs:
  own: {command: [printf, own], topic: own_things}
  payroll: {command: [printf, payroll], topic: payroll}
`

test.serial(
  'a worker hears broadcasts of its own topics only, and no prefix is granted',
  async (t) => {
    const cluster = await makeKeyedCluster(t, YAML)
    const narrow = cluster.add('narrow', 'worker', { topics: ['own_*'] })
    const broker = await cluster.broker()
    await cluster.worker()
    await cluster.frontend()
    const { doors } = cluster
    const guesses = ['', 'task.', 'task.payroll.', 'run.', 'head.', 'output.']
    const ear = follow(t, doors.feed, narrow, guesses)
    const peer = dial(t, doors.worker, narrow)
    const cards = await cardsOf(cluster)
    const { welcome } = await comeIn(peer, 'worker', narrow, 'narrow', { cards })
    const channels = welcome['channels'] as Record<string, string>
    t.deepEqual(Object.keys(channels), ['own_things'])
    const name = channels['own_things'] ?? ''
    t.regex(name, /^[\w-]{43}$/)
    const prefix = follow(t, doors.feed, narrow, [name.slice(0, -1), name.slice(0, 8)])
    const whole = follow(t, doors.feed, narrow, [name])
    const counts = async (): Promise<number> => {
      const text = await (await fetch(`${cluster.url}/metrics`)).text()
      return Number(/subscriptions_denied\S* (\d+)/.exec(text)?.[1] ?? 0)
    }
    for (let denied = 0; denied < guesses.length + 2; denied = await counts());
    // Its own broadcast comes, by the whole name alone.
    for (;;) {
      const { run_id } = await cluster.start('job_name=own')
      await cluster.reached(run_id, 'succeeded', 'running')
      if (whole.came.some((came) => came.includes('"kind":"task"'))) break
    }
    t.is((await cluster.start('job_name=payroll&wait=60s')).state, 'succeeded')
    t.deepEqual(ear.came, [])
    t.deepEqual(prefix.came, [])
    t.false(whole.came.some((came) => came.includes('payroll')))
    // The names are made anew when a key is taken away.
    cluster.add('gone', 'client')
    await until('the new key is read', () => broker.log().includes('"keys":6'))
    cluster.revoke('gone')
    const again = await peer.hear('hello_again')
    t.is(again.kind, 'hello_again')
    const anew = await comeIn(peer, 'worker', narrow, 'narrow', { cards })
    t.not((anew.welcome['channels'] as Record<string, string>)['own_things'], name)
  },
)

test.serial(
  'a worker may not announce, or take over, jobs of topics that are not its own',
  async (t) => {
    const cluster = await makeKeyedCluster(t, YAML)
    const narrow = cluster.add('narrow', 'worker', { topics: ['own_*'] })
    await cluster.broker()
    await cluster.worker()
    await cluster.frontend()
    const peer = dial(t, cluster.doors.worker, narrow)
    const cards = (await cardsOf(cluster)).map((card) =>
      card['job'] === 'payroll' ? { ...card, topic: 'own_payroll', timeout_ms: 1 } : card,
    )
    await comeIn(peer, 'worker', narrow, 'narrow', { cards })
    const { workers } = (await cluster.json('/api/workers')) as { workers: WorkerView[] }
    const seen = workers.find(({ worker }) => worker === 'narrow')
    t.deepEqual(seen?.jobs, ['own'])
    t.regex(seen?.reload_error ?? '', /the key narrow may not serve the topics of: payroll/)
    const { jobs } = (await cluster.json('/api/jobs')) as { jobs: JobView[] }
    t.is(jobs.find(({ job }) => job === 'payroll')?.topic, 'payroll')
  },
)

test.serial('a client hears of the feed by names that it asks for, and of no tasks', async (t) => {
  const cluster = await makeKeyedCluster(t, YAML)
  await cluster.broker()
  await cluster.worker()
  await cluster.frontend()
  const { keys, doors } = cluster
  const client = dial(t, doors.client, keys.client)
  const { session } = await comeIn(client, 'client', keys.client, 'lib')
  const subscribe = async (...channels: string[]) => {
    await client.send({ kind: 'session', session }, { kind: 'subscribe', id: 1, channels })
    return client.hear('reply')
  }
  for (const channel of ['task.payroll.', 'task.', '', 'run', 'runs.', 'x'])
    t.like(await subscribe(channel), { ok: false, error: { code: 'not_its_channel' } }, channel)
  const answer = await subscribe('run.succeeded.', 'run.failed.')
  const { names } = answer['result'] as { names: Record<string, string> }
  const ear = follow(t, doors.feed, keys.client, [names['run.succeeded.'] ?? ''])
  while (ear.came.length === 0) await cluster.start('job_name=own&wait=60s')
  t.true(ear.came.every((came) => came.startsWith(`${names['run.succeeded.']} [{"kind":"wake"`)))
})

/** The cards as the worker of the cluster announces them. */
async function cardsOf(cluster: { folder: string }): Promise<Record<string, unknown>[]> {
  const { loadDefinitions } = await import('../../common/definition/load.ts')
  const loaded = loadDefinitions([`${cluster.folder}/jobs`])
  if (loaded.kind === 'refused') throw new Error('no jobs')
  return [...loaded.definitions.jobs.values()].map(({ card }) => card)
}
