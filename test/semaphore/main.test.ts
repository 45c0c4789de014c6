import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { start } from '../../semaphore/main.ts'
import { quietLog } from '../frontend/with-frontend.ts'
import { openFakeGates } from './fake-gates.ts'

const JOBS = `jobs:
  a: {command: [echo, a]}
semaphores:
  ready: {wait_for: [a], key: "%(date)s", then: a}
`

function folderWith(t: ExecutionContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'jobz-semaphore-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'jobs.yaml'), text)
  return folder
}

const KEYLESS = { key: '', insecure: false }

test('it is ready when the broker knows its semaphores, and reloads all or nothing', async (t) => {
  const fake = await openFakeGates()
  t.teardown(() => fake.broker.stop())
  const jobs = folderWith(t, JOBS)
  const log: string[] = []
  const daemon = await start({ ...KEYLESS, jobs, broker: fake.broker.worker }, quietLog(log))
  if ('kind' in daemon) return t.fail(daemon.message)
  t.teardown(() => daemon.stop())
  t.deepEqual([...fake.places.keys()], ['ready'])
  t.regex(daemon.ready, /^semaphore /)

  writeFileSync(join(jobs, 'jobs.yaml'), JOBS.replace('wait_for', 'wait_four'))
  daemon.reload?.()
  t.true(log.some((line) => /stay as they were.*wait_four/.test(line)))
  fake.ended('a', 'r1', { date: 'mon' })
  await fake.until(() => fake.opened.includes('ready mon 1'))

  writeFileSync(join(jobs, 'jobs.yaml'), JOBS.replace('ready', 'other'))
  daemon.reload?.()
  await fake.until(() => fake.places.has('other'))
  t.pass()
})

test('no semaphores are fine, even without a broker', async (t) => {
  const jobs = folderWith(t, 'jobs: {a: {command: [echo]}}\n')
  const daemon = await start({ ...KEYLESS, jobs, broker: 'tcp://127.0.0.1:9' }, quietLog())
  if ('kind' in daemon) return t.fail(daemon.message)
  await daemon.stop()
  t.pass()
})

test('a stop while it waits for its broker is a stop', async (t) => {
  const jobs = folderWith(t, JOBS)
  const told = new AbortController()
  const starting = start({ ...KEYLESS, jobs, broker: 'tcp://127.0.0.1:9' }, quietLog(), told.signal)
  told.abort()
  const daemon = await starting
  if ('kind' in daemon) return t.fail(daemon.message)
  await daemon.stop()
  t.pass()
})

test('broken definitions and addresses are refused', async (t) => {
  const jobs = folderWith(t, 'jobs: {a: {comand: x}}\n')
  const broken = await start({ ...KEYLESS, jobs, broker: 'tcp://127.0.0.1:9' }, quietLog())
  t.like(broken, { kind: 'refused', exit_code: 2 })
  const nowhere = await start({ ...KEYLESS, jobs, broker: 'nowhere' }, quietLog())
  t.like(nowhere, { kind: 'refused', exit_code: 2 })
})

test('what a newer broker tells besides changes nothing', async (t) => {
  const fake = await openFakeGates()
  t.teardown(() => fake.broker.stop())
  const daemon = await start(
    { ...KEYLESS, jobs: folderWith(t, JOBS), broker: fake.broker.worker },
    quietLog([]),
  )
  if ('kind' in daemon) return t.fail(daemon.message)
  t.teardown(() => daemon.stop())
  const skipped = 'skipped' as 'failed'
  fake.broker.publish('lane.full.', { kind: 'alarm', lane: 'media' })
  fake.broker.note({ topic: 'lane.full.media.', job: 'a' })
  fake.broker.note({ topic: 'run.skipped.a.', job: 'a', run_id: 'r0', state: skipped })
  fake.ended('a', 'r1', { date: 'mon' })
  await fake.until(() => fake.places.get('ready') === '0-3')
  t.deepEqual(fake.opened, ['ready mon 1'])
})
