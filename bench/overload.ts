/**
 * `npm run bench -- overload`: what happens past the usual: a minute of 1,000 triggers a second, a million runs in the queue,
 * a million in the history, five hundred workers whose broker restarts, a gate of a thousand, readers that do not read.
 * It takes some ten minutes; docs/RELIABILITY.md keeps what it printed.
 */
import { setTimeout as after } from 'node:timers/promises'
import { openSubscriber } from '../common/link/subscriber.ts'
import { openClient, requestId } from './client.ts'
import { residentBytes } from './memory.ts'
import { type Bench, withDaemons } from './daemons.ts'
import { burst } from './burst.ts'
import type { Figure } from './figure.ts'

const QUEUED = 1_000_000
const PAST = 1_000_000
const WORKERS = 500
const IN_PROGRESS = 10_000
const FAN_IN = 1_000
const SLOW_READERS = 100
const BATCH = 1_000

export async function overload(): Promise<readonly Figure[]> {
  return [
    ...(await withDaemons(burst)),
    ...(await withDaemons(manyQueued)),
    ...(await withDaemons(muchHistory)),
    ...(await withDaemons(manyWorkers)),
    ...(await withDaemons(largeGate)),
  ]
}

async function fill(client: ReturnType<typeof openClient>, runs: number, first = 0): Promise<void> {
  for (let batch = first; batch < first + runs / BATCH; batch++)
    await client.trigger(
      Array.from({ length: BATCH }, (_, n) => ({
        job: 'noop',
        params: { date: '2026_11_23', source: `shop-${n}` },
        request_id: requestId(batch, n),
      })),
    )
}

/** A million queued: memory, and how long a broker takes to start with them. */
async function manyQueued({ broker, wireWorker, addresses }: Bench): Promise<Figure[]> {
  const first = await broker()
  await wireWorker('0')
  const client = openClient(addresses.client)
  const before = await residentBytes(first.pid)
  await fill(client, QUEUED)
  const each = ((await residentBytes(first.pid)) - before) / QUEUED
  const { ms } = await timed(() => client.metrics())
  await first.stop()
  const start = await timed(() => broker())
  const { value } = await timed(() => client.metrics())
  await client.close()
  return [
    show(
      `${QUEUED} queued: memory per run`,
      `${Math.round(each)} bytes`,
      'under 1,024',
      each < 1_024,
    ),
    show(`${QUEUED} queued: /metrics`, `${ms.toFixed(1)} ms`, 'under 50 ms', ms < 50),
    show(`${QUEUED} queued: start-up`, `${(start.ms / 1000).toFixed(1)} s`, '(stated)', true),
    show(
      '… and they are all there',
      `${value.runs.queued}`,
      String(QUEUED),
      value.runs.queued === QUEUED,
    ),
  ]
}

/** A million past runs: lists and metrics. */
async function muchHistory({
  broker,
  wireWorker,
  frontend,
  addresses,
  url,
}: Bench): Promise<Figure[]> {
  await broker()
  await wireWorker('8192')
  await frontend()
  const client = openClient(addresses.client)
  await fill(client, PAST)
  await client.drained()
  await client.close()
  const figures: Figure[] = []
  for (const path of [
    '/metrics',
    '/api/runs?limit=100',
    '/api/runs?job=noop&state=succeeded',
    '/api/runs?state=failed',
    '/api/jobs',
  ]) {
    const times: number[] = []
    for (let n = 0; n < 20; n++)
      times.push((await timed(() => fetch(url + path).then((got) => got.text()))).ms)
    const p95 = times.sort((a, b) => a - b)[18] ?? Number.NaN
    figures.push(
      show(
        `${PAST} past runs: ${path}, p95 of 20`,
        `${p95.toFixed(1)} ms`,
        'under 100 ms',
        p95 < 100,
      ),
    )
  }
  return figures
}

/** Five hundred workers with ten thousand runs in progress; their broker restarts. */
async function manyWorkers({ broker, wireWorkers, addresses }: Bench): Promise<Figure[]> {
  const first = await broker()
  await wireWorkers(WORKERS, IN_PROGRESS / WORKERS)
  const client = openClient(addresses.client)
  const readers = Array.from({ length: SLOW_READERS }, () => slowReader(addresses.feed))
  await fill(client, IN_PROGRESS)
  await until(async () => (await client.metrics()).runs.running === IN_PROGRESS)
  await first.stop()
  await broker()
  const began = performance.now()
  await until(async () => (await client.metrics()).totals['worker_hello'] === WORKERS)
  const back_s = (performance.now() - began) / 1000
  const { ms } = await timed(() => client.metrics())
  for (const reader of readers) reader.close()
  await client.close()
  return [
    show(
      `${WORKERS} workers back after a restart, ${IN_PROGRESS} runs in progress`,
      `${back_s.toFixed(1)} s`,
      'within 10 s',
      back_s <= 10,
    ),
    show(
      `/metrics with them, and ${SLOW_READERS} readers that do not read`,
      `${ms.toFixed(1)} ms`,
      'under 50 ms',
      ms < 50,
    ),
  ]
}

/** Subscribes to everything and never looks. */
function slowReader(address: string): { close(): void } {
  const reader = openSubscriber({ address, onFrame: () => undefined })
  reader.subscribe('run.')
  return reader
}

/** One gate for a thousand arrivals. */
async function largeGate({
  broker,
  wireWorker,
  semaphore,
  addresses,
  folder,
}: Bench): Promise<Figure[]> {
  await broker()
  await wireWorker('4096')
  await semaphore(
    folder,
    `semaphores: {all: {wait_for: [{job: noop, count: ${FAN_IN}}], key: '%(date)s', then: noop}}`,
  )
  const client = openClient(addresses.client)
  const began = performance.now()
  await fill(client, FAN_IN)
  await until(async () => (await client.metrics()).totals['client_open'] === 1)
  const took_s = (performance.now() - began) / 1000
  await client.close()
  return [
    show(
      `a gate of ${FAN_IN}, from the first trigger to open`,
      `${took_s.toFixed(1)} s`,
      '(stated)',
      true,
    ),
  ]
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await after(20)
}

async function timed<T>(work: () => Promise<T>): Promise<{ ms: number; value: T }> {
  const began = performance.now()
  const value = await work()
  return { ms: performance.now() - began, value }
}

const show = (what: string, figure: string, target: string, reached: boolean): Figure => ({
  what,
  figure,
  target,
  reached,
})
