/** Whether sockets whose broker is away come back spread over time: computed as ZeroMQ waits. */
import test from 'ava'
import { reconnecting } from '../../../common/link/reconnect.ts'

/** When a socket tries to connect, in ms after it lost its broker, for so long. */
function triesOf(first_ms: number, longest_ms: number, until_ms: number): number[] {
  const tries: number[] = []
  let wait = first_ms
  for (let at = wait; at < until_ms; at += wait) {
    tries.push(at)
    wait = Math.min(wait * 2, longest_ms)
  }
  return tries
}

/** Every first wait that may be drawn, as often as any other. */
function everyWait(): number[] {
  const drawn = new Set<number>()
  while (drawn.size < 200) drawn.add(reconnecting().reconnectInterval)
  return [...drawn]
}

const WINDOW_MS = 100

for (const away_ms of [1_000, 3_000, 30_000, 120_000])
  test(`after ${away_ms / 1000} s without a broker all are back within 2.5 s, and never many at once`, (t) => {
    const longest_ms = reconnecting().reconnectMaxInterval
    const back = everyWait().map(
      (first_ms) =>
        (triesOf(first_ms, longest_ms, away_ms + 10_000).find((at) => at >= away_ms) ?? Infinity) -
        away_ms,
    )
    t.true(Math.max(...back) <= 2_500)
    const windows = new Map<number, number>()
    for (const at of back) {
      const window = Math.floor(at / WINDOW_MS)
      windows.set(window, (windows.get(window) ?? 0) + 1)
    }
    t.true(Math.max(...windows.values()) <= back.length / 5, JSON.stringify([...windows]))
  })

test('what is drawn stays within its bounds', (t) => {
  const waits = everyWait()
  t.is(Math.min(...waits), 100)
  t.is(Math.max(...waits), 299)
})
