/**
 * A frontend with people before it. It says each request until it is answered, under the same `request_id`; and it
 * follows the feed, as the page and `wait=` do.
 */
import type { ReplayAnswer, TriggerAccepted, TriggerAnswer } from '../../common/protocol/answers.ts'
import { numberOf } from '../../common/protocol/cursor.ts'
import type { Request } from '../../common/link/request.ts'
import type { Agenda } from './agenda.ts'
import type { Asked } from './checker.ts'
import type { Net } from './net.ts'
import { openProcess, type Process } from './process.ts'
import { openRequests } from './requests.ts'

const PATIENCE_MS = 3_000
const FOLLOW_MS = 2_000
const PAGE = 50

export type ClientPorts = {
  readonly agenda: Agenda
  readonly net: Net
  readonly triggered: (asked: Asked, answer: TriggerAccepted) => void
  readonly canceled: (run_id: string) => void
  /** Who follows the feed, by name, has read entry `n`. */
  readonly read: (name: string, n: number) => void
}

export type Client = {
  readonly process: Process
  readonly start: () => void
  readonly kill: () => void
  /** Starts a run, sooner or later; `again` says it once more when it has been answered. */
  trigger(asked: Asked, options: { readonly again: boolean; readonly delay_ms: number }): void
  cancel(run_id: string): void
  /** Says something once; nobody minds if it is not heard. */
  say(request: Request): void
  /** The number up to which the feed has been read. */
  place(): number
  /** Requests that are not answered yet. */
  open(): number
}

export function openClient(name: string, ports: ClientPorts): Client {
  const process = openProcess(ports.agenda, name)
  /** What must be answered. It is kept by whoever asks, so it outlives the frontend. */
  const wanted = new Map<string, () => void>()
  let place = 0
  let is_reading = false
  const line = ports.net.dial(name, 'client', {
    process,
    onConnect: () => {
      line.subscribe(['run.', 'head.'])
      follow()
    },
    onDisconnect: () => undefined,
    onFrame: (frame) => requests.onFrame(frame),
    onPublished: () => follow(),
  })
  const requests = openRequests(process, () => line)
  /** Says it until it is answered, in this life of the frontend. */
  const insist = (key: string, request: Request, told: (result: unknown) => void): void => {
    const once = (): void =>
      requests.ask(request, PATIENCE_MS, (answered) => {
        if (answered.kind === 'unreachable') return void process.after(200, once)
        if (answered.kind === 'refused' && answered.error.status >= 500)
          return void process.after(1_000, once)
        wanted.delete(key)
        if (answered.kind === 'answered') told(answered.result)
      })
    wanted.set(key, once)
    if (process.isUp()) once()
  }
  const follow = (): void => {
    if (is_reading) return
    is_reading = true
    const after = `0-${place}`
    requests.ask({ kind: 'replay', after, topics: [], limit: PAGE }, PATIENCE_MS, (answered) => {
      is_reading = false
      if (answered.kind !== 'answered') return
      const { entries, complete_to, head } = answered.result as ReplayAnswer
      for (const { cursor } of entries) ports.read(name, numberOf(cursor) ?? -1)
      place = numberOf(complete_to) ?? place
      if (complete_to !== head) follow()
    })
  }
  const look = (): void => {
    follow()
    process.after(FOLLOW_MS, look)
  }
  return {
    process,
    start: () => {
      process.rise()
      requests.clear()
      is_reading = false
      for (const once of wanted.values()) once()
      look()
    },
    kill: () => process.die(),
    trigger: (asked, { again, delay_ms }) => {
      const params = { mark: asked.mark, ask: asked.ask }
      const triggers = [{ job: asked.job, params, request_id: asked.ask, delay_ms }]
      const told = (result: unknown): void => {
        const [answer] = result as TriggerAnswer[]
        if (!answer) throw new Error('a trigger had no answer')
        // What cannot be taken yet is asked for again.
        if ('error' in answer) {
          if (answer.error.status < 500) return
          return void process.after(1_000, () => ask(asked.ask))
        }
        ports.triggered(asked, answer)
      }
      const ask = (key: string): void => insist(key, { kind: 'trigger', triggers }, told)
      ask(asked.ask)
      if (again) process.after(10_000, () => ask(`${asked.ask} again`))
    },
    cancel: (run_id) =>
      insist(`cancel ${run_id}`, { kind: 'cancel', run_id }, () => ports.canceled(run_id)),
    say: (request) => requests.ask(request, PATIENCE_MS, () => undefined),
    place: () => place,
    open: () => wanted.size,
  }
}
