/**
 * A worker with a spool, as small as it can be, for random histories: it takes each attempt once, runs it when it is told
 * to, keeps an end until that is acknowledged, and says hello with whatever it still holds.
 */
import type { Card } from '../../../common/definition/card.ts'
import type { Held } from '../../../common/protocol/worker-door.ts'
import type { Given, World } from './world.ts'

type Kept = { readonly task: Given; state: Held['state']; exit_code: number }

export type ModelWorker = ReturnType<typeof modelWorker>

export function modelWorker(world: World, name: string, cards: Card[], ran: (job: string) => void) {
  const spool = new Map<string, Kept>()
  let instance = 0
  let is_open = false

  const room = (): number => Math.max(0, 3 - spool.size)
  const hello = (): void => {
    const held = [...spool.values()].map(({ task: { task_id, attempt }, state }) => {
      return { task_id, attempt, state }
    })
    world.worker(name, {
      cards,
      lanes: { tight: { limit: 2 } },
      slots: 3,
      credit: room(),
      held,
      instance: `${name}-${instance}`,
    })
    is_open = world.sent(name, 'refused').length === 0
  }
  /** Reads its mail. */
  const read = (): void => {
    if (world.sent(name, 'hello_again').length > 0) hello()
    if (!is_open) return
    for (const task of world.tasks(name)) {
      spool.set(`${task.task_id}#${task.attempt}`, { task, state: 'accepted', exit_code: 0 })
      world.accept(name, task)
    }
    for (const { task_id, attempt } of world.sent(name, 'ack'))
      spool.delete(`${task_id}#${attempt}`)
    for (const { task_id, attempt, reason } of world.sent(name, 'stop')) {
      const kept = spool.get(`${task_id}#${attempt}`)
      if (reason === 'fenced') spool.delete(`${task_id}#${attempt}`)
      else if (kept) end(kept, 143)
      else world.end(name, { task_id, attempt }, { exit_code: null, reason: 'canceled' })
    }
  }
  const begin = (kept: Kept): void => {
    if (kept.state !== 'accepted') return
    kept.state = 'running'
    ran(kept.task.job)
    if (is_open) world.begin(name, kept.task)
  }
  const end = (kept: Kept, exit_code: number): void => {
    if (kept.state === 'ended') return
    begin(kept)
    Object.assign(kept, { state: 'ended', exit_code })
    tell(kept)
  }
  const tell = ({ task, state, exit_code }: Kept): void => {
    if (is_open && state === 'ended') world.end(name, task, { exit_code })
  }
  const nth = (n: number): Kept | undefined => [...spool.values()][n % Math.max(1, spool.size)]
  return {
    name,
    spool,
    isOpen: () => is_open,
    hello,
    read,
    beginSome: (n: number): void => {
      const kept = nth(n)
      if (kept) begin(kept)
    },
    endSome: (n: number, exit_code: number): void => {
      const kept = nth(n)
      if (kept) end(kept, exit_code)
    },
    /** Says again what was not acknowledged, and that there is room. */
    tellAgain: (): void => {
      if (!is_open) return
      for (const kept of spool.values()) tell(kept)
    },
    endAll: (): void => {
      for (const kept of spool.values()) end(kept, 0)
    },
    returnSome: (n: number): void => {
      const kept = nth(n)
      if (!kept || !is_open || kept.state !== 'accepted') return
      spool.delete(`${kept.task.task_id}#${kept.task.attempt}`)
      world.end(name, kept.task, { exit_code: null, reason: 'returned' })
    },
    bye: (): void => {
      if (is_open) world.says(name, { kind: 'bye' })
      is_open = false
    },
    /** The connection breaks; what was on its way to it is lost. */
    cut: (): void => {
      world.cut(name)
      is_open = false
    },
    /** Its host is set up anew. */
    wipe: (): void => {
      world.cut(name)
      spool.clear()
      instance += 1
      is_open = false
    },
  }
}
