/** What a semaphore process is told when it starts. */
import { KEY_SETTINGS } from '../common/keys/own-key.ts'
import type { SettingsTable } from '../common/daemon/settings.ts'

export const SEMAPHORE = [
  {
    flag: 'jobs',
    env: 'JOBZ_JOBS',
    kind: 'text',
    default: 'jobs',
    help: 'the file or folder with the definitions',
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
