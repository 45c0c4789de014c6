/**
 * A hundred subscribers of the feed and a hundred event streams that never read, while runs go on: what the runs feel of
 * it, and whether the memory of broker and frontend stays where it was.
 */
import { type Client, openClient } from './client.ts'
import { type Bench, type Running, withDaemons } from './daemons.ts'
import type { Figure } from './figure.ts'
import { residentBytes } from './memory.ts'
import { go } from './noop-runs.ts'
import { scaled, spreadFigure, spreadOf, timed, toldFigure } from './spread.ts'

const DEAF = 100
const RUNS = 100_000
const ROUNDS = 3
/** What may be added to each process's memory, beside what runs cost it without them. */
const MORE_MB = 300

export const subscribers = (scale: number): Promise<readonly Figure[]> =>
  withDaemons(async (bench) => {
    const broker = await bench.broker()
    const frontend = await bench.frontend()
    await bench.wireWorker('4096')
    const client = openClient(bench.addresses.client)
    const runs = scaled(RUNS, scale, 1_000)
    const deaf = scaled(DEAF, scale, 5)
    let batch = 0
    const round = async (): Promise<Round> => {
      batch += 100_000
      return measure(bench, client, batch, runs)
    }
    await round()
    const without = await round()
    const before = await memoryOf(broker, frontend)
    await bench.script('deaf.ts', 'feed', bench.addresses.feed, String(deaf))
    await bench.script('deaf.ts', 'events', bench.url, String(deaf))
    const rounds: Round[] = []
    const memory: Memory[] = []
    for (let n = 0; n < ROUNDS; n++) {
      rounds.push(await round())
      memory.push(await memoryOf(broker, frontend))
    }
    await client.close()
    const rates = rounds.map(({ rate }) => Math.round(rate)).join(', ')
    return [
      toldFigure(
        `${deaf} feed subscribers and ${deaf} event streams that never read: runs/s`,
        rates,
      ),
      toldFigure('… without them', `${Math.round(without.rate)} runs/s`),
      spreadFigure('… /healthz', spreadOf(rounds.flatMap(({ healthy }) => healthy)), 50),
      spreadFigure('… /readyz', spreadOf(rounds.flatMap(({ ready }) => ready)), null),
      spreadFigure('… /readyz without them', spreadOf(without.ready), null),
      grown(
        'broker',
        before.broker,
        memory.map((one) => one.broker),
      ),
      grown(
        'frontend',
        before.frontend,
        memory.map((one) => one.frontend),
      ),
    ]
  })

type Round = { readonly rate: number; readonly healthy: number[]; readonly ready: number[] }
type Memory = { readonly broker: number; readonly frontend: number }

async function measure(bench: Bench, client: Client, batch: number, runs: number): Promise<Round> {
  const healthy = await bench.probe('/healthz')
  const ready = await bench.probe('/readyz')
  const took_ms = await timed(() => go(client, batch, runs).then(() => client.drained()))
  return {
    rate: runs / (took_ms / 1_000),
    healthy: (await healthy()).times,
    ready: (await ready()).times,
  }
}

async function memoryOf(broker: Running, frontend: Running): Promise<Memory> {
  return {
    broker: (await residentBytes(broker.pid)) / 1e6,
    frontend: (await residentBytes(frontend.pid)) / 1e6,
  }
}

const grown = (who: string, before: number, after: readonly number[]): Figure => ({
  what: `… ${who} memory before, and after each of ${after.length} rounds`,
  figure: `${[before, ...after].map(Math.round).join(', ')} MB`,
  target: `no more than ${MORE_MB} MB more`,
  reached: Math.max(...after) - before <= MORE_MB,
})
