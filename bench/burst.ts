/**
 * A burst: 1,000 triggers a second for a minute over HTTP, one to a request, then a hundred to a request, while a worker
 * works them off. Every trigger is answered, every one that was accepted has run, and the frontend stays well.
 */
import { type Client, openClient } from './client.ts'
import { type Bench, withDaemons } from './daemons.ts'
import type { Figure } from './figure.ts'
import { openHttp } from './http.ts'
import { pause, scaled, spreadFigure, spreadOf, timed, toldFigure } from './spread.ts'

const RATE = 1_000
const SECONDS = 60
const BULK = 100

export const burst = (scale: number): Promise<readonly Figure[]> =>
  withDaemons(async (bench) => {
    await bench.broker()
    await bench.wireWorker('4096')
    await bench.frontend()
    const client = openClient(bench.addresses.client)
    const triggers = scaled(RATE * SECONDS, scale)
    const figures = [
      ...(await round(bench, client, triggers, 1)),
      ...(await round(bench, client, triggers, BULK)),
    ]
    await client.close()
    return figures
  })

/** So many triggers in requests of `each`, at the rate. */
async function round(
  { url, probe }: Bench,
  client: Client,
  triggers: number,
  each: number,
): Promise<Figure[]> {
  const http = openHttp(256)
  const before = new Set((await client.runsOf('noop')).map(({ run_id }) => run_id))
  const healthy = await probe('/healthz')
  const ready = await probe('/readyz')
  const accepted = new Set<string>()
  const others = new Map<number, number>()
  const times: number[] = []
  const ask = async (): Promise<void> => {
    const asked = performance.now()
    const { status, text } = await (each === 1
      ? http.send(`${url}/job_start?job_name=noop&date=2026_11_23`)
      : http.send(`${url}/api/runs`, bulk(each)))
    times.push(performance.now() - asked)
    if (status !== 202) return void others.set(status, (others.get(status) ?? 0) + 1)
    const answers = [JSON.parse(text) as { run_id?: string } | { run_id?: string }[]].flat()
    for (const { run_id } of answers) if (run_id !== undefined) accepted.add(run_id)
  }
  const pending: Promise<void>[] = []
  const began = performance.now()
  for (let sent = 0; sent < triggers; sent += each) {
    while (performance.now() < began + (sent * 1_000) / RATE) await pause(1)
    pending.push(ask())
  }
  await Promise.all(pending)
  const drained_ms = await timed(() => client.drained())
  const [health, readiness] = [await healthy(), await ready()]
  http.close()
  const runs = (await client.runsOf('noop')).filter(({ run_id }) => !before.has(run_id))
  const done = runs.filter(({ run_id, state }) => accepted.has(run_id) && state === 'succeeded')
  const what = `${triggers} triggers at ${RATE}/s, ${each} a request`
  const refused = [...others].map(([status, count]) => `, ${count} × ${status}`).join('')
  return [
    {
      what: `${what}: accepted and done`,
      figure: `${accepted.size}, ${done.length} done${refused}`,
      target: 'all accepted, none lost, none more',
      reached: [accepted.size, done.length, runs.length].every((count) => count === triggers),
    },
    spreadFigure(`${what}: answers`, spreadOf(times), null),
    spreadFigure('… /healthz meanwhile, every 50 ms', spreadOf(health.times), 50),
    spreadFigure('… /readyz (through the broker) meanwhile', spreadOf(readiness.times), null),
    toldFigure('… all worked off after the last answer', `${Math.round(drained_ms)} ms`),
  ]
}

const bulk = (each: number): string =>
  JSON.stringify(Array.from({ length: each }, () => ({ job: 'noop', params: { date: 'd' } })))
