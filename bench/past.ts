/**
 * A million past runs in the store: how quickly lists and figures come, and what dispatch feels of it when retention
 * deletes a fifth of them. It takes about two minutes, most of them to make the runs and to look through them.
 */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { DATABASE_FILE } from '../broker/store/sqlite.ts'
import { openClient } from './client.ts'
import { type Bench, withDaemons } from './daemons.ts'
import type { Figure } from './figure.ts'
import { openHttp } from './http.ts'
import { startWaits } from './latency.ts'
import { scaled, spreadFigure, spreadOf, timed, timedTimes, toldFigure } from './spread.ts'

const PAST = 1_000_000
const TIMES = 50
const DISPATCHED = 10_000
const PATHS = [
  '/metrics',
  '/api/jobs',
  '/api/runs',
  '/api/runs?limit=1000',
  '/api/runs?job=job-3',
  '/api/runs?state=failed',
  '/api/runs?job=job-3&state=failed',
  '/api/runs?param.source=shop-7',
  '/api/runs?worker=web7',
]

export const past = (scale: number): Promise<readonly Figure[]> =>
  withDaemons(async (bench) => {
    const runs = scaled(PAST, scale, 1_000)
    await bench.script('past-store.ts', join(bench.folder, 'broker'), String(runs))
    const keeping = await bench.broker()
    await bench.frontend()
    const figures = await lists(bench, runs)
    await keeping.stop()
    return [...figures, ...(await whileForgetting(bench, runs, scale))]
  })

async function lists({ url }: Bench, runs: number): Promise<Figure[]> {
  const http = openHttp(1)
  const figures: Figure[] = []
  for (const path of PATHS) {
    const ask = async (): Promise<void> => {
      const { status, text } = await http.send(url + path)
      if (status !== 200) throw new Error(`${path}: ${status} ${text}`)
    }
    const first_ms = await timed(ask)
    const spread = await timedTimes(TIMES, ask)
    figures.push(
      spreadFigure(`${runs} past runs: ${path} (first ${first_ms.toFixed(0)} ms)`, spread, 50),
    )
  }
  http.close()
  return figures
}

/** A broker that is to keep a fifth less begins to delete at once, while triggers come at 500 a second. */
async function whileForgetting(bench: Bench, runs: number, scale: number): Promise<Figure[]> {
  const keep = Math.floor(runs * 0.8)
  await bench.broker('--keep-runs', String(keep))
  const worker = await bench.wireWorker('1000', 'latency')
  const client = openClient(bench.addresses.client)
  const healthy = await bench.probe('/readyz')
  const waits = await startWaits(client, worker, scaled(DISPATCHED, scale, 500))
  const ready = spreadOf((await healthy()).times)
  await client.close()
  const left = pastRunsIn(join(bench.folder, 'broker', DATABASE_FILE))
  return [
    spreadFigure('… trigger to start at 500/s while runs are deleted', spreadOf(waits), 15),
    spreadFigure('… /readyz meanwhile', ready, 50),
    toldFigure('… deleted meanwhile', `${runs - left} runs`, `more than none, of ${runs - keep}`),
  ]
}

function pastRunsIn(path: string): number {
  const db = new DatabaseSync(path, { readOnly: true })
  const row = db.prepare("SELECT count(*) AS count FROM runs WHERE job <> 'noop'").get()
  db.close()
  return Number(row?.['count'])
}
