/** Frames that come twice, half, or from another time: each means what it means once. Garbage is in hostile.test.ts. */
import { connect } from 'node:net'
import { once } from 'node:events'
import test, { type ExecutionContext } from 'ava'
import { Dealer } from 'zeromq'
import { loadDefinitions } from '../../common/definition/load.ts'
import { makeCluster } from './cluster.ts'

const yaml = `
jobs:
  quick: {deliver: one, command: 'true', params: {tag: {default: none}}, on_success: after}
  after: {deliver: one, command: 'true'}
`

type Message = Record<string, unknown> & { readonly kind?: string }

/** Somebody who speaks to a door by hand. */
function speaker(t: ExecutionContext, door: string) {
  const socket = new Dealer({ linger: 0, receiveTimeout: 20_000 })
  socket.connect(door)
  t.teardown(() => socket.close())
  const heard: Message[] = []
  return {
    say: (...messages: Message[]) => socket.send(JSON.stringify(messages)),
    /** The next message that is so; others are passed over. */
    hear: async (isIt: (message: Message) => boolean): Promise<Message> => {
      for (;;) {
        const found = heard.findIndex(isIt)
        if (found !== -1) return heard.splice(found, 1)[0] ?? {}
        const [frame] = await socket.receive()
        heard.push(...(JSON.parse(String(frame)) as Message[]))
      }
    },
  }
}

const isOf = (kind: string) => (message: Message) => message.kind === kind

const HELLO = {
  kind: 'hello',
  version: '0',
  slots: 1,
  credit: 1,
  cards: [],
  lanes: {},
  held: [],
  reload_error: null,
}

test.serial(
  'a request that comes three times is one run, and is answered three times',
  async (t) => {
    const cluster = await makeCluster(t, yaml)
    await cluster.broker()
    await cluster.worker()
    await cluster.frontend()
    const client = speaker(t, cluster.doors.client)
    const trigger = {
      job: 'quick',
      params: { tag: 'x' },
      request_id: 'one',
      priority: null,
      delay_ms: null,
      parent_run_id: null,
    }
    const request = { kind: 'trigger', id: 7, triggers: [trigger], from: null }
    await client.say(request, request)
    await client.say(request)
    const run_ids: unknown[] = []
    for (let n = 0; n < 3; n += 1) {
      const { result } = await client.hear(({ id }) => id === 7)
      run_ids.push((result as Message[])[0]?.['run_id'])
    }
    t.is(new Set(run_ids).size, 1)
    t.is(typeof run_ids[0], 'string')
    await cluster.reached(String(run_ids[0]), 'succeeded')
    t.is((await cluster.runs('job=quick')).length, 1)
  },
)

test.serial(
  'a report that comes three times ends its task once, and is acknowledged three times',
  async (t) => {
    const cluster = await makeCluster(t, yaml)
    await cluster.broker()
    await cluster.frontend()
    const hand = speaker(t, cluster.doors.worker)
    const loaded = loadDefinitions([cluster.file('jobs')])
    if (loaded.kind !== 'loaded') throw new Error('the jobs are bad')
    const cards = [...loaded.definitions.jobs.values()].map(({ card }) => card)
    await hand.say({ ...HELLO, protocol: 1, name: 'by-hand', instance: 'i', cards })
    const { session } = await hand.hear(isOf('welcome'))
    const { run_id } = await cluster.start('job_name=quick')
    const { task_id, attempt } = await hand.hear(isOf('task'))
    const ended = {
      kind: 'ended',
      task_id,
      attempt,
      exit_code: 0,
      signal: null,
      reason: null,
      message: null,
      started_at_ms: 1,
      finished_at_ms: 2,
      output: {},
      stdout_bytes: 0,
      stderr_bytes: 0,
      error_tail: '',
    }
    await hand.say({ kind: 'session', session }, ended, ended)
    await hand.say({ kind: 'session', session }, { ...ended, exit_code: 1 })
    for (let n = 0; n < 3; n += 1) await hand.hear(isOf('ack'))
    t.is((await cluster.run(run_id)).state, 'succeeded', 'the first one counts')
    t.is((await cluster.runs('job=after')).length, 1)
  },
)

test.serial(
  'a worker one version apart is welcome, and one from another time is told so',
  async (t) => {
    const cluster = await makeCluster(t, yaml)
    await cluster.broker()
    await cluster.frontend()
    const near = speaker(t, cluster.doors.worker)
    await near.say(
      { ...HELLO, protocol: 2, name: 'near', instance: 'i', news: 'unknown' },
      { kind: 'unknown' },
    )
    t.like(await near.hear(isOf('welcome')), { protocol: 1 })
    const far = speaker(t, cluster.doors.worker)
    await far.say({ ...HELLO, protocol: 99, name: 'far', instance: 'i' })
    t.like(await far.hear(isOf('refused')), { code: 'bad_protocol' })
  },
)

test.serial('a peer of another ZeroMQ, and half a greeting, hurt nobody', async (t) => {
  const cluster = await makeCluster(t, yaml)
  await cluster.broker()
  await cluster.worker()
  await cluster.frontend()
  const greeting = Buffer.alloc(64)
  greeting.set([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 9, 9])
  for (const door of [cluster.doors.worker, cluster.doors.client])
    for (const bytes of [greeting, greeting.subarray(0, 5)]) {
      const raw = connect(Number(new URL(door).port), '127.0.0.1')
      raw.on('error', () => undefined).resume()
      await once(raw, 'connect')
      raw.write(bytes)
      t.is((await cluster.start('job_name=quick&wait=60s')).state, 'succeeded')
      raw.destroy()
    }
})
