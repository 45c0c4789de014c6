/** HTTP triggers per second: single requests on kept connections, and bulk for comparison. */
import { withDaemons } from './daemons.ts'
import type { Figure } from './figure.ts'
import { openHttp } from './http.ts'

const REQUESTS = 20_000
const CONNECTIONS = 32
const BULK = 1_000

export const httpTriggers = (): Promise<readonly Figure[]> =>
  withDaemons(async ({ broker, frontend, wireWorker, url }) => {
    await broker()
    await wireWorker('4096')
    await frontend()
    const http = openHttp(CONNECTIONS)
    const single = async (): Promise<number> =>
      (await http.send(`${url}/job_start?job_name=noop&date=2026_11_23`)).status
    await manyTimes(2_000, single)
    const singles = REQUESTS / (await manyTimes(REQUESTS, single))
    const body = JSON.stringify(
      Array.from({ length: BULK }, () => ({ job: 'noop', params: { date: '2026_11_23' } })),
    )
    const bulk = async (): Promise<number> => (await http.send(`${url}/api/runs`, body)).status
    const bulks = (BULK * 40) / (await manyTimes(40, bulk))
    http.close()
    return [
      {
        what: 'HTTP triggers, one a request',
        figure: `${Math.round(singles)} triggers/s`,
        target: 'at least 4,000 triggers/s',
        reached: singles >= 4_000,
      },
      {
        what: `HTTP triggers, ${BULK} a request`,
        figure: `${Math.round(bulks)} triggers/s`,
        target: '(no target)',
        reached: true,
      },
    ]
  })

/** Seconds that it took. */
async function manyTimes(times: number, once: () => Promise<number>): Promise<number> {
  let left = times
  const began = performance.now()
  const lane = async (): Promise<void> => {
    while (left-- > 0) {
      const status = await once()
      if (status !== 202 && status !== 200) throw new Error(`status ${status}`)
    }
  }
  await Promise.all(Array.from({ length: Math.min(CONNECTIONS, times) }, lane))
  return (performance.now() - began) / 1000
}
