/** What a door does with nonsense: it counts it, and logs some of it. A flood of it must not become a flood of lines. */
import type { Log } from '../../common/daemon/log.ts'
import type { Counters } from './counters.ts'

const LINES_A_SECOND = 5

export function dropper(
  door: 'worker' | 'client',
  counters: Counters,
  log: Log,
): (peer: string, reason: string) => void {
  let second = 0
  let lines = 0
  return (peer, reason) => {
    counters.count(`${door}_door_dropped`)
    const now = Math.floor(performance.now() / 1000)
    lines = now === second ? lines + 1 : 1
    second = now
    if (lines > LINES_A_SECOND) return
    const from = Buffer.from(peer, 'latin1').toString('hex')
    log.warn(`dropped a frame at the ${door} door`, { reason, peer: from })
  }
}
