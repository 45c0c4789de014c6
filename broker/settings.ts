/** What the broker can be told. */
import type { SettingsOf, SettingsTable } from '../common/daemon/settings.ts'
import { isLoopback } from '../common/link/address.ts'
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
    flag: 'keys',
    env: 'JOBZ_KEYS',
    kind: 'text',
    default: '',
    help: 'the folder of keys: only who is authorised there comes in (see `jobz keys`)',
  },
  {
    flag: 'insecure',
    env: 'JOBZ_INSECURE',
    kind: 'switch',
    default: false,
    help: 'bind other than loopback without keys: whoever reaches it can run every job',
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

/** What 0 would mean of these: of the first two more than whoever writes it may have in mind ("for ever", say). */
const AT_LEAST_ONE = {
  keep_days: 'a large number keeps them for ever',
  keep_runs: 'a large number keeps them for ever',
  max_lost: '1 gives up at the first loss',
  max_depth: '1 is a step after the first',
} as const

/** Which setting cannot be meant, and what to say instead; null when all can. */
export function unfitSetting(settings: BrokerSettings): string | null {
  const { bind, keys, insecure } = settings
  if (keys === '' && !isLoopback(bind) && !insecure)
    return (
      `--bind ${bind} is not loopback, and there are no keys: whoever reaches it could run every job. ` +
      'Make keys (`jobz keys init`) and name their folder with --keys; or say --insecure'
    )
  for (const [name, meaning] of Object.entries(AT_LEAST_ONE))
    if (settings[name as keyof typeof AT_LEAST_ONE] < 1)
      return `--${name.replaceAll('_', '-')} 0: at least 1; ${meaning}`
  return null
}
