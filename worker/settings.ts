/** What a worker can be told, by flag, environment variable or `jobz.yaml`. */
import { hostname } from 'node:os'
import { KEY_SETTINGS } from '../common/keys/own-key.ts'
import type { SettingsOf, SettingsTable } from '../common/daemon/settings.ts'

export const WORKER = [
  {
    flag: 'name',
    env: 'JOBZ_NAME',
    kind: 'text',
    default: hostname(),
    help: 'what the broker calls this worker; no two may share a name (with --key: its name)',
  },
  {
    flag: 'jobs',
    env: 'JOBZ_JOBS',
    kind: 'text',
    default: 'jobs',
    help: 'the directory of job definitions',
  },
  {
    flag: 'topics',
    env: 'JOBZ_TOPICS',
    kind: 'list',
    default: ['*'],
    help: 'take only jobs of these topics; * stands for anything',
  },
  {
    flag: 'slots',
    env: 'JOBZ_SLOTS',
    kind: 'count',
    default: 4,
    help: 'how many commands run at a time',
  },
  {
    flag: 'spool',
    env: 'JOBZ_SPOOL',
    kind: 'text',
    default: '.jobz/worker',
    help: 'where accepted tasks and their output are kept',
  },
  {
    flag: 'broker',
    env: 'JOBZ_BROKER',
    kind: 'text',
    default: 'tcp://127.0.0.1:6770',
    help: "the broker's worker door",
  },
  ...KEY_SETTINGS,
  {
    flag: 'url',
    env: 'JOBZ_URL',
    kind: 'text',
    default: 'http://127.0.0.1:6769',
    help: 'where commands reach the frontend',
  },
  {
    flag: 'allow-root',
    env: 'JOBZ_ALLOW_ROOT',
    kind: 'switch',
    default: false,
    help: 'run although this is root: commands as root, or as their `user`',
  },
  {
    flag: 'policy',
    env: 'JOBZ_POLICY',
    kind: 'text',
    default: '',
    help: 'a file that narrows which jobs, users and directories are allowed here',
  },
] as const satisfies SettingsTable

export type WorkerSettings = SettingsOf<typeof WORKER>
