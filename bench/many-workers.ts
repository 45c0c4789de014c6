/**
 * Five hundred workers: with 10,000 runs in progress and a broadcast to all of them (`workers`), and what happens when
 * the broker of all of them is killed and started again (`reconnect`). Their processes hold a hundred each.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Client, openClient, requestId } from './client.ts'
import { type Bench, type Running, withDaemons } from './daemons.ts'
import type { Figure } from './figure.ts'
import { residentBytes } from './memory.ts'
import { pause, scaled, spreadFigure, spreadOf, timed, toldFigure, until } from './spread.ts'

const WORKERS = 500
const IN_PROGRESS = 10_000
const IN_A_PROCESS = 100
/** Each announces so many cards more than it needs. */
const OTHER_JOBS = 50
const BROADCASTS = 10
/** Some heartbeats of all of them. */
const WATCHED_MS = 20_000
/** How long the broker is away. */
const AWAY_MS = [0, 15_000]

type Crowd = {
  readonly workers: number
  readonly running: number
  readonly processes: readonly Running[]
  readonly client: Client
}

export const workers = (scale: number): Promise<readonly Figure[]> =>
  withDaemons(async (bench) => {
    const broker = await bench.broker()
    await bench.frontend()
    const crowd = await gatherCrowd(bench, scale)
    const { client } = crowd
    const healthy = await bench.probe('/healthz')
    const ready = await bench.probe('/readyz')
    await pause(scaled(WATCHED_MS, scale, 2_000))
    const broadcasts: number[] = []
    for (let n = 0; n < BROADCASTS; n++)
      broadcasts.push(await timed(() => broadcast(client, n, crowd.running)))
    const [health, readiness] = [await healthy(), await ready()]
    const { totals } = await client.metrics()
    await client.close()
    const what = `${crowd.workers} workers, ${crowd.running} runs in progress`
    return [
      spreadFigure(`${what}: /healthz`, spreadOf(health.times), 50),
      spreadFigure('… /readyz (through the broker)', spreadOf(readiness.times), 50),
      spreadFigure(
        '… a broadcast to all of them, to the end of the last',
        spreadOf(broadcasts),
        null,
      ),
      toldFigure('… heartbeats meanwhile', String(totals['worker_heartbeat'] ?? 0)),
      toldFigure('… broker memory', `${Math.round((await residentBytes(broker.pid)) / 1e6)} MB`),
    ]
  })

export const reconnect = (scale: number): Promise<readonly Figure[]> =>
  withDaemons(async (bench) => {
    let broker = await bench.broker()
    const { workers: count, running, processes, client } = await gatherCrowd(bench, scale)
    await bench.frontend()
    const healthy = await bench.probe('/healthz')
    const restarts: { ready: number; back_ms: number }[] = []
    for (const away_ms of AWAY_MS) {
      await broker.kill()
      const seen = processes.map(({ lines }) => lines.length)
      await pause(away_ms)
      broker = await bench.broker()
      const ready = Date.now()
      const isBack = (one: Running, n: number): boolean => one.lines.length > (seen[n] ?? 0)
      await until('all workers are back', () => processes.every(isBack))
      restarts.push({ ready, back_ms: Date.now() - ready })
    }
    const health = spreadOf((await healthy()).times)
    const { runs } = await client.metrics()
    await client.close()
    const hellos = await hellosOf(processes)
    const what = `${count} workers whose broker was killed`
    return [
      ...restarts.flatMap(({ ready, back_ms }, n) => [
        {
          what: `${what}, away for ${AWAY_MS[n]} ms: all back`,
          figure: `${(back_ms / 1_000).toFixed(1)} s after it was ready`,
          target: 'within 10 s',
          reached: back_ms <= 10_000,
        },
        stampede(
          hellos.filter((at) => at >= ready - 1_000 && at <= ready + back_ms),
          count,
        ),
      ]),
      spreadFigure('… /healthz meanwhile', health, 50),
      {
        what: '… runs in progress after it',
        figure: String(runs.running),
        target: String(running),
        reached: runs.running === running,
      },
    ]
  })

/** How many of them say hello in the same tenth of a second. */
function stampede(hellos: readonly number[], count: number): Figure {
  const windows = new Map<number, number>()
  for (const at of hellos) {
    const window = Math.floor(at / 100)
    windows.set(window, (windows.get(window) ?? 0) + 1)
  }
  const most = Math.max(...windows.values())
  return {
    what: '… hellos, and the most within 100 ms',
    figure: `${hellos.length}, ${most} over ${windows.size} windows`,
    target: 'no more than a third of all at once',
    reached: most <= Math.max(10, count / 3),
  }
}

async function hellosOf(processes: readonly Running[]): Promise<number[]> {
  await Promise.all(processes.map((one) => one.stop()))
  return processes.flatMap(
    ({ lines }) => (JSON.parse(lines.at(-1) ?? '') as { hellos: number[] }).hellos,
  )
}

/** All of them connected, with their share of runs that do not end. */
async function gatherCrowd(bench: Bench, scale: number): Promise<Crowd> {
  const { folder, addresses, script } = bench
  const jobs = join(folder, 'jobs')
  await mkdir(jobs)
  await writeFile(join(jobs, 'jobs.yaml'), yaml())
  const count = scaled(WORKERS, scale, 10)
  const running = scaled(IN_PROGRESS, scale, 100)
  const slots = Math.ceil(running / count) + 1
  const processes: Running[] = []
  for (let first = 0; first < count; first += IN_A_PROCESS) {
    const here = Math.min(IN_A_PROCESS, count - first)
    const args = [addresses.worker, jobs, String(first), String(here), String(slots), folder]
    processes.push(await script('worker-lives.ts', ...args))
  }
  const client = openClient(addresses.client)
  for (let first = 0; first < running; first += 500)
    await client.trigger(
      Array.from({ length: Math.min(500, running - first) }, (_, n) => ({
        job: 'hold',
        params: {},
        request_id: requestId(first, n),
      })),
    )
  await until('they run', async () => (await client.metrics()).runs.running === running)
  return { workers: count, running, processes, client }
}

const yaml = (): string =>
  [
    'jobs:',
    "  hold: {deliver: one, command: 'true'}",
    "  everywhere: {deliver: all, command: 'true'}",
    ...Array.from(
      { length: OTHER_JOBS },
      (_, n) => `  other_${n}: {command: 'true', params: {date: {type: date}}}`,
    ),
  ].join('\n')

/** One run on all of them, until it is over. */
async function broadcast(client: Client, n: number, running: number): Promise<void> {
  await client.trigger([{ job: 'everywhere', params: {}, request_id: requestId(999, n) }])
  await until('it ended', async () => (await client.metrics()).runs.running === running)
}
