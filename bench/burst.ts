/** A minute of 1,000 HTTP triggers a second, and whether the broker stays responsive meanwhile. */
import { Agent, request } from 'node:http'
import type { Bench } from './daemons.ts'
import type { Figure } from './figure.ts'

const RATE = 1_000
const SECONDS = 60
const PROBE_MS = 50

export async function burst({ broker, wireWorker, frontend, url }: Bench): Promise<Figure[]> {
  await broker()
  await wireWorker('4096')
  await frontend()
  const statuses = new Map<number, number>()
  const health_ms: number[] = []
  const pending: Promise<void>[] = []
  const probe = setInterval(() => {
    const began = performance.now()
    void send(`${url}/readyz`).then(() => health_ms.push(performance.now() - began))
  }, PROBE_MS)
  const began = performance.now()
  for (let n = 0; n < RATE * SECONDS; n++) {
    while (performance.now() < began + (n * 1000) / RATE)
      await new Promise((resolve) => setTimeout(resolve, 1))
    const sent = send(`${url}/job_start?job_name=noop&date=2026_11_23`)
    pending.push(sent.then((status) => void statuses.set(status, (statuses.get(status) ?? 0) + 1)))
  }
  await Promise.all(pending)
  const took_s = (performance.now() - began) / 1000
  clearInterval(probe)
  health_ms.sort((a, b) => a - b)
  const p99 = health_ms[Math.floor(health_ms.length * 0.99)] ?? Number.NaN
  const answers = [...statuses].map(([status, times]) => `${status}: ${times}`).join(', ')
  return [
    {
      what: `${RATE} triggers/s for ${SECONDS} s: answers`,
      figure: answers,
      target: `all answered; it took ${took_s.toFixed(1)} s`,
      reached: [...statuses.keys()].every((status) => [202, 429, 503].includes(status)),
    },
    {
      what: '… and /readyz (frontend and broker) meanwhile, p99',
      figure: `${p99.toFixed(1)} ms`,
      target: 'under 50 ms',
      reached: p99 < 50,
    },
  ]
}

const agent = new Agent({ keepAlive: true, maxSockets: 256 })

const send = (url: string): Promise<number> =>
  new Promise((resolve) => {
    const sent = request(url, { agent }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0))
    })
    sent.on('error', () => resolve(0))
    sent.end()
  })
