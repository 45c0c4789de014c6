/** Nothing grows without end: queues stay within their bounds, and when all is over nothing is left in memory or in spools. */
import { hold, type MakeChecker } from '../checker.ts'

/** Events of some dozen runs: more would be a flood that feeds itself. */
const MOST_WAITING = 2_000

export const bounds: MakeChecker = ({ world }) => ({
  name: 'bounds',
  over: () => {
    const { broker, workers } = world
    const state = broker.state()
    const left: Readonly<Record<string, number>> = {
      runs: state.runs.size,
      'runs without a card': [...state.unannounced.values()].reduce(
        (sum, { size }) => sum + size,
        0,
      ),
      'concurrency keys': state.keys.size,
      'workers held back': state.held_back.size,
      'starts to be written': state.lazy.tasks.size,
      'queued runs': [...state.lanes.values()].reduce((sum, { queued }) => sum + queued, 0),
      'running runs': [...state.lanes.values()].reduce((sum, { running }) => sum + running, 0),
      'tasks of workers': [...state.workers.values()].reduce(
        (sum, { holds }) => sum + holds.size,
        0,
      ),
      'attempts of daemons': workers.reduce((sum, one) => sum + one.worker().attempts.size, 0),
      'attempts in spools': workers.reduce((sum, { host }) => sum + host.spool.size, 0),
      commands: workers.reduce((sum, { host }) => sum + host.running().length, 0),
    }
    for (const [what, count] of Object.entries(left))
      hold(count === 0, 'bounds', () => `${count} ${what} are left`)
    hold(
      broker.mostWaiting() <= MOST_WAITING,
      'bounds',
      () => `${broker.mostWaiting()} events waited for a turn`,
    )
  },
})
