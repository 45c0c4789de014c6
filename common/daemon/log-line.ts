/** One entry of a log as a line: JSON for machines, text for people, and back from JSON for who shows others' logs. */
import { printableJson, printableLine } from './printable.ts'

export type Level = 'debug' | 'info' | 'warn' | 'error'

export type LogEntry = {
  /** ISO 8601 UTC. */
  readonly time: string
  readonly level: Level
  readonly daemon: string
  readonly message: string
  readonly facts: Readonly<Record<string, unknown>>
}

/** Facts by these names would hide the entry's own; they are shown with an underscore behind. */
const OWN_NAMES = new Set(['time', 'level', 'daemon', 'message'])

/** `{"time", "level", "daemon", "message", …facts}` without a newline. A fact that JSON cannot hold becomes its text. */
export function jsonLine(entry: LogEntry): string {
  const { time, level, daemon, message } = entry
  const facts = Object.entries(entry.facts).map(
    ([name, fact]) => [OWN_NAMES.has(name) ? `${name}_` : name, plain(fact)] as const,
  )
  const line = Object.fromEntries([
    ...Object.entries({ time, level, daemon, message }),
    ...facts.filter(([, fact]) => fact !== undefined),
  ])
  return printableJson(JSON.stringify(line))
}

/** `12:00:07 warn  broker  message  name=value`, in local time. Nothing in it can act on a terminal. */
export function textLine(entry: LogEntry): string {
  const time = new Date(entry.time)
  const clock = Number.isNaN(time.getTime()) ? '--:--:--' : time.toTimeString().slice(0, 8)
  const facts = Object.entries(entry.facts)
    .filter(([, fact]) => fact !== undefined)
    .map(([name, fact]) => `${printableLine(name)}=${shown(fact)}`)
  const head = `${clock} ${entry.level.padEnd(5)} ${printableLine(entry.daemon).padEnd(9)} `
  return head + [printableLine(entry.message), ...facts].join('  ')
}

/** Reads what `jsonLine` wrote; null for any other line (a crash's stack, another program's words). */
export function readLogLine(line: string): LogEntry | null {
  let raw: unknown
  try {
    raw = JSON.parse(line)
  } catch {
    return null
  }
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return null
  const { time, level, daemon, message, ...facts } = raw as Record<string, unknown>
  if (typeof time !== 'string' || typeof daemon !== 'string' || typeof message !== 'string')
    return null
  if (level !== 'debug' && level !== 'info' && level !== 'warn' && level !== 'error') return null
  return { time, level, daemon, message, facts }
}

/** A fact as JSON can hold it: errors with their message and stack, big integers and circles as text. */
function plain(fact: unknown): unknown {
  if (fact instanceof Error) return { message: fact.message, ...codeOf(fact), stack: fact.stack }
  if (typeof fact === 'bigint') return fact.toString()
  try {
    JSON.stringify(fact)
    return fact
  } catch {
    return String(fact)
  }
}

const codeOf = (error: Error): { code?: unknown } => ('code' in error ? { code: error.code } : {})

function shown(fact: unknown): string {
  if (fact instanceof Error) return printableJson(JSON.stringify(fact.message))
  if (typeof fact === 'string' && /^[\w.,:/@%+=#*-]+$/.test(fact)) return fact
  return printableJson(JSON.stringify(plain(fact)) ?? String(fact))
}
