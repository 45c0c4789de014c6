/** What the frontend is told when it starts. */
import { KEY_SETTINGS } from '../common/keys/own-key.ts'
import type { SettingsTable } from '../common/daemon/settings.ts'

export const FRONTEND = [
  {
    flag: 'listen',
    env: 'JOBZ_LISTEN',
    kind: 'text',
    default: '127.0.0.1:6769',
    help: 'where HTTP is served, host:port',
  },
  {
    flag: 'broker',
    env: 'JOBZ_BROKER',
    kind: 'text',
    default: 'tcp://127.0.0.1:6770',
    help: "the broker's worker door; the other two are the next ports",
  },
  ...KEY_SETTINGS,
] as const satisfies SettingsTable
