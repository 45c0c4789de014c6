/** From trigger to start: single triggers at 500 a second, for ten seconds, to a worker on the wire. */
import { type Client, openClient, requestId } from './client.ts'
import { type Running, withDaemons } from './daemons.ts'
import type { Figure } from './figure.ts'

const RATE = 500
const SECONDS = 10
/** The first second warms the code up and is left out. */
const WARM = RATE

export async function latency(): Promise<readonly Figure[]> {
  const { p50, p99 } = await startLatency({ keyed: false })
  return [figure('p50', p50, 2), figure('p99', p99, 15)]
}

/** In ms. */
export const startLatency = (how: {
  readonly keyed: boolean
}): Promise<{ readonly p50: number; readonly p99: number }> =>
  withDaemons(async ({ broker, wireWorker, addresses, key }) => {
    await broker()
    const worker = await wireWorker('1000', 'latency')
    const client = openClient(addresses.client, key)
    const waits = await startWaits(client, worker, RATE * SECONDS)
    await client.close()
    const at = (share: number): number => waits[Math.floor(waits.length * share)] ?? Number.NaN
    return { p50: at(0.5), p99: at(0.99) }
  }, how)

/** Triggers so many runs at the rate; how long each took to reach the worker, which is ended by this, in ms and sorted. */
export async function startWaits(client: Client, worker: Running, runs: number): Promise<number[]> {
  const pending: Promise<void>[] = []
  const began = performance.now()
  for (let n = 0; n < runs + WARM; n++) {
    const at = began + (n * 1000) / RATE
    while (performance.now() < at) await new Promise((resolve) => setTimeout(resolve, 1))
    const sent = performance.timeOrigin + performance.now()
    pending.push(
      client.trigger([{ job: 'noop', params: { at: String(sent) }, request_id: requestId(0, n) }]),
    )
  }
  await Promise.all(pending)
  await client.drained()
  await worker.stop()
  return (JSON.parse(worker.lines.at(-1) ?? '[]') as number[]).slice(WARM).sort((a, b) => a - b)
}

const figure = (name: string, ms: number, limit: number): Figure => ({
  what: `${name} from trigger to start, at ${RATE} triggers/s`,
  figure: `${ms.toFixed(2)} ms`,
  target: `under ${limit} ms`,
  reached: ms < limit,
})
