/** How the things of jobz look on a terminal: states, ids, times, durations and values. */
import { formatDuration } from '../../common/definition/durations.ts'
import type { AttemptView, RunView, TaskView, WorkerView } from '../../common/protocol/answers.ts'
import type { Cli } from '../command.ts'
import type { Style } from '../terminal.ts'

const STYLES: Readonly<Record<string, Style>> = {
  succeeded: 'green',
  open: 'green',
  present: 'green',
  failed: 'red',
  lost: 'red',
  timed_out: 'red',
  expired: 'red',
  canceled: 'magenta',
  missed: 'magenta',
  away: 'red',
  draining: 'yellow',
  handing_over: 'yellow',
  running: 'cyan',
  leased: 'cyan',
  queued: 'yellow',
  waiting: 'yellow',
  delayed: 'yellow',
  ready: 'yellow',
  gathering: 'yellow',
}

/** A state in its colour. States of a later version are shown as they are. */
export const stateCell = (state: string): { text: string; style: Style } => ({
  text: state,
  style: Object.hasOwn(STYLES, state) ? (STYLES[state] ?? 'reset') : 'reset',
})

const ENDS: readonly string[] = ['succeeded', 'failed', 'canceled', 'expired']
/** A later version may know other ends; each has a time. */
export const isOver = (run: RunView): boolean =>
  ENDS.includes(run.state) || run.finished_at !== null

/** The last 8 characters on a terminal, where an eye has to find it again; the whole id for programs. */
export const shownId = (isTerminal: boolean, id: string): string => (isTerminal ? id.slice(-8) : id)

/** A time in local time or UTC: `2026-11-23 08:15:02`; '' when there is none yet. */
export function shownTime(cli: Pick<Cli, 'utc'>, iso: string | null): string {
  if (iso === null) return ''
  const time = new Date(iso)
  if (Number.isNaN(time.getTime())) return iso
  if (cli.utc) return `${time.toISOString().slice(0, 19).replace('T', ' ')}Z`
  const local = new Date(time.getTime() - time.getTimezoneOffset() * 60_000)
  return local.toISOString().slice(0, 19).replace('T', ' ')
}

/** Only the time of day: for lines about what happens now. */
export const shownClock = (cli: Pick<Cli, 'utc'>, iso: string): string =>
  shownTime(cli, iso).slice(11)

/** From a start to an end, short enough to read: `1.2s`, `4m10s`; '' when it has not started. */
export function shownSpan(from: string | null, to: string | null, now_ms = Date.now()): string {
  if (from === null) return ''
  const ms = (to === null ? now_ms : Date.parse(to)) - Date.parse(from)
  if (!Number.isFinite(ms)) return ''
  if (ms < 10_000) return `${(Math.max(0, ms) / 1000).toFixed(1)}s`
  return formatDuration(Math.round(ms / 1000) * 1000)
}

export const shownParams = (params: Readonly<Record<string, string>>): string =>
  Object.entries(params)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')

/** What there is to say about a run beside its state: its reason, or its own report. */
export function shownDetail(run: RunView): string {
  if (run.reason !== null && run.reason !== '') return run.reason
  const progress = run.progress === null ? [] : [`${run.progress} %`]
  return [...progress, ...(run.message === null ? [] : [run.message])].join(' ')
}

/** How an execution ended: `exit 3`, `SIGKILL`, or a reason. */
export function shownEnd(ended: TaskView | AttemptView): string {
  const parts = [
    ...(ended.signal === null ? [] : [ended.signal]),
    ...(ended.exit_code === null ? [] : [`exit ${ended.exit_code}`]),
    ...(ended.reason === null ? [] : [ended.reason]),
  ]
  return parts.join(', ')
}

export const shownSlots = (worker: WorkerView): string => `${worker.running}/${worker.slots}`
