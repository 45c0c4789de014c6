/**
 * `npm start`: everything up, the pipeline that ships started once for today and shown step by step, and then left up
 * for trying things. With `--once` it ends after the pipeline, with its outcome as exit code.
 */
import process from 'node:process'
import type { Log } from '../../common/daemon/log.ts'
import type { Daemon, Refused } from '../../common/daemon/run.ts'
import type { Common, SettingsOf, SettingsTable } from '../../common/daemon/settings.ts'
import { processTerminal } from '../terminal.ts'
import { UP_SETTINGS, readPlaces, startUp, urlOf } from './up.ts'

export const DEMO_SETTINGS = [
  ...UP_SETTINGS,
  {
    flag: 'once',
    env: 'JOBZ_ONCE',
    kind: 'switch',
    default: false,
    help: 'end after the pipeline, with its outcome as exit code: 0 or 1',
  },
] as const satisfies SettingsTable

type DemoSettings = SettingsOf<typeof DEMO_SETTINGS> & Common

export async function startDemo(
  settings: DemoSettings,
  log: Log,
  signal: AbortSignal,
): Promise<Daemon | Refused> {
  // Only what the pipeline does is to be seen, and what goes wrong.
  const level = process.env['JOBZ_LOG_LEVEL'] ?? 'warn'
  const up = await startUp(settings, log, signal, { JOBZ_LOG_LEVEL: level })
  const places = readPlaces(settings)
  if ('kind' in up) return up
  if ('kind' in places) return places
  const { playPipeline } = await import('../watch/pipeline.ts')
  const { out, err, width, env } = processTerminal()
  const terminal = { out, err, width, env, interrupted: signal }
  const played = playPipeline(terminal, urlOf(places.listen), { stays: !settings.once })
  if (settings.once) return { ...up, finished: played }
  played.catch((error: unknown) => log.error('the demo ended', { error }))
  return up
}
