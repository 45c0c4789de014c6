/**
 * A million queued runs: what each costs in memory, how quickly the broker answers with them, and how long it takes to
 * start with them. Filling the queue is most of the two to four minutes that it takes.
 */
import { openClient } from './client.ts'
import { withDaemons } from './daemons.ts'
import type { Figure } from './figure.ts'
import { openHttp } from './http.ts'
import { residentBytes } from './memory.ts'
import { go } from './noop-runs.ts'
import { pause, scaled, spreadFigure, spreadOf, timed, timedTimes, toldFigure } from './spread.ts'

const QUEUED = 1_000_000
const WARM = 100_000
const TIMES = 50
/** As long as the frontend is asked how it is while nothing else happens. */
const PROBED_MS = 10_000

export const million = (scale: number): Promise<readonly Figure[]> =>
  withDaemons(async ({ broker, wireWorker, frontend, probe, addresses, url }) => {
    const queued = scaled(QUEUED, scale, 1_000)
    const first = await broker()
    const warm = scaled(WARM, scale, 1_000)
    const worker = await wireWorker(String(warm), 'spent')
    await frontend()
    const client = openClient(addresses.client)
    // These come and go: they make the process as large as its work needs, whatever is queued.
    await go(client, 0, warm)
    await client.drained()
    const before = await residentBytes(first.pid)
    const healthy = await probe('/healthz')
    const filled_ms = await timed(() => go(client, 100_000, queued))
    const filling = spreadOf((await healthy()).times)
    const each = ((await residentBytes(first.pid)) - before) / queued
    const asked = await askWhileThere(url, probe)
    // It would take as many again from a broker that starts anew.
    await worker.stop()
    await first.stop()
    const started_ms = await timed(() => broker())
    const { runs } = await client.metrics()
    await client.close()
    return [
      {
        what: `${queued} queued runs: broker memory for each`,
        figure: `${Math.round(each)} bytes`,
        target: 'under 1,024 bytes (resident, with what is not collected yet)',
        reached: each < 1_024,
      },
      toldFigure('… taken in', `${Math.round(queued / (filled_ms / 1_000))} runs/s`),
      spreadFigure('… /healthz while they were taken in', filling, 50),
      ...asked,
      toldFigure('… start-up with them', `${(started_ms / 1_000).toFixed(1)} s`),
      {
        what: '… and they are all there',
        figure: String(runs.queued),
        target: String(queued),
        reached: runs.queued === queued,
      },
    ]
  })

async function askWhileThere(
  url: string,
  probe: (path: string) => Promise<() => Promise<{ times: number[] }>>,
): Promise<Figure[]> {
  const http = openHttp(1)
  const healthy = await probe('/healthz')
  const ready = await probe('/readyz')
  await pause(PROBED_MS)
  const figures = [
    spreadFigure('… /healthz with them', spreadOf((await healthy()).times), 50),
    spreadFigure('… /readyz with them', spreadOf((await ready()).times), 50),
  ]
  const list = await http.send(`${url}/api/runs?state=queued&limit=1`)
  const one = (JSON.parse(list.text) as { runs: { run_id: string }[] }).runs[0]?.run_id ?? ''
  for (const path of ['/metrics', '/api/runs?state=queued', `/api/runs/${one}`, '/api/jobs']) {
    const spread = await timedTimes(TIMES, () => http.send(url + path))
    figures.push(spreadFigure(`… ${path.replace(one, 'ID')}`, spread, 50))
  }
  http.close()
  return figures
}
