/** The worker daemon, whole, before a broker that is newer than it. */
import test from 'ava'
import { aTask, openBroker } from './fake-broker.ts'
import { JOBS } from './site-jobs.ts'
import { openSite } from './with-daemon.ts'

test('it works for a broker of the next version, and says so of what it cannot read', async (t) => {
  const broker = await openBroker(t)
  broker.news = { protocol: 2, region: 'eu', channels: { greet: 'task.greet.', new: 'odd.new.' } }
  const site = openSite(t, JOBS)
  const daemon = site.start(broker.address, '--slots', '2')
  await broker.hear('hello')
  const task = aTask('greet', { params: { who: 'you' } })
  broker.send({ kind: 'advice', text: 'rest' })
  broker.send({ ...task, deliver: 'some', budget: { cpu_s: 5 } })
  t.like(await broker.ended(task.task_id), { exit_code: 0, reason: null })
  broker.send({ kind: 'ack', of: 'accepted', task_id: task.task_id, attempt: 1 })

  const odd = { ...aTask('greet'), params: { who: { text: 'you' } } }
  broker.send(odd)
  const ended = await broker.ended(odd.task_id)
  t.is(ended.reason, 'bad_parameter')
  t.regex(ended.message ?? '', /cannot read the task \(task: params\.who .*update it/)
  t.regex(daemon.log(), /a message of the broker cannot be read: is it newer than this worker/)
  t.is(await daemon.end('SIGTERM'), 0)
  await broker.hear('bye')
  t.deepEqual(broker.faults, [])
})

test('a command is stopped for a reason that it does not know, and reported', async (t) => {
  const broker = await openBroker(t)
  const site = openSite(t, { long: { command: ['sleep', '600'], deliver: 'one' } })
  await site.begin(broker.address)
  const task = aTask('long')
  broker.send(task)
  await broker.hear('started')
  broker.send({ kind: 'stop', task_id: task.task_id, attempt: 1, reason: 'superseded' })
  t.like(await broker.ended(task.task_id), { reason: 'canceled', signal: 'SIGTERM' })
})

test('before a broker two versions ahead it ends with exit code 2, and says what to do', async (t) => {
  const broker = await openBroker(t)
  broker.news = { protocol: 3 }
  const daemon = openSite(t, JOBS).start(broker.address)
  t.is(await daemon.exitCode(), 2)
  t.regex(daemon.log(), /the broker speaks protocol 3, and this worker 1.*update this worker/)
})
