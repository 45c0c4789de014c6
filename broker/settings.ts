/** What the broker can be told. */
import type { SettingsOf, SettingsTable } from '../common/daemon/settings.ts'

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
] as const satisfies SettingsTable

export type BrokerSettings = SettingsOf<typeof BROKER>
