/**
 * Asks an address every 50 ms, as a balancer does, whether or not the answers before have come: a process of its own, so that
 * what the benchmark itself is busy with does not count. `node bench/probe.ts URL`; prints its times in ms when it is ended.
 */
import { openHttp } from './http.ts'

const EVERY_MS = 50

const [url = ''] = process.argv.slice(2)
const http = openHttp(256)
const times: number[] = []
let failed = 0

async function ask(): Promise<void> {
  const began = performance.now()
  const { status } = await http.send(url)
  times.push(performance.now() - began)
  if (status !== 200) failed += 1
}

await ask()
times.length = 0
setInterval(() => void ask(), EVERY_MS)
process.stdout.write('ready\n')
process.on('SIGTERM', () => {
  process.stdout.write(`${JSON.stringify({ times, failed })}\n`)
  process.exit(0)
})
