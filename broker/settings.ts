/** What the broker can be told. */
import type { SettingsOf, SettingsTable } from '../common/daemon/settings.ts'
import { DEFAULT_LIMITS } from './core/limits.ts'

export const BROKER = [
  {
    flag: 'data',
    env: 'JOBZ_DATA',
    kind: 'text',
    default: '.jobz/broker',
    help: 'where runs, history and output are kept',
  },
  {
    flag: 'bind',
    env: 'JOBZ_BIND',
    kind: 'text',
    default: 'tcp://127.0.0.1:6770',
    help: 'the worker door; the client door is the next port, the feed the one after',
  },
  {
    flag: 'keep-days',
    env: 'JOBZ_KEEP_DAYS',
    kind: 'count',
    default: 30,
    help: 'finished runs are forgotten after so many days',
  },
  {
    flag: 'keep-runs',
    env: 'JOBZ_KEEP_RUNS',
    kind: 'count',
    default: 1_000_000,
    help: 'and when there are more finished runs than this, the oldest first',
  },
  {
    flag: 'max-lost',
    env: 'JOBZ_MAX_LOST',
    kind: 'count',
    default: DEFAULT_LIMITS.max_lost,
    help: 'a task that lost its worker so often is not tried again: it may be what kills it',
  },
  {
    flag: 'max-depth',
    env: 'JOBZ_MAX_DEPTH',
    kind: 'count',
    default: DEFAULT_LIMITS.max_depth,
    help: 'so many steps may follow one another in a flow; a loop ends there',
  },
] as const satisfies SettingsTable

export type BrokerSettings = SettingsOf<typeof BROKER>

/** With none at all nothing that is lost would be tried again, or nothing would follow from anything. */
export function unfitLimit({ max_lost, max_depth }: BrokerSettings): string | null {
  if (max_lost < 1) return '--max-lost 0: at least 1, which gives up at the first loss'
  if (max_depth < 1) return '--max-depth 0: at least 1, which is a step after the first'
  return null
}
