/** What may leave the broker. Effects go out in this order, after the commit that holds what they speak of. */
import type { Failure, Reply } from '../../common/protocol/client-door.ts'
import type { ToWorker } from '../../common/protocol/worker-door.ts'
import type { Run, State } from './state.ts'

export type Effect =
  | { readonly kind: 'reply'; readonly peer: string; readonly reply: Reply }
  | { readonly kind: 'say'; readonly peer: string; readonly message: ToWorker }
  /** A `task` message through the worker's door; its parameters are looked up when it leaves. */
  | {
      readonly kind: 'task'
      readonly peer: string
      readonly run: Run
      readonly n: number
      readonly attempt: number
    }
  /** The first attempt of every task of an `all` run, once to all subscribed workers. */
  | {
      readonly kind: 'broadcast'
      readonly topic: string
      readonly run: Run
      readonly tasks: Readonly<Record<string, number>>
    }

/** Where a reply goes. */
export type Asker = { readonly peer: string; readonly id: string | number }

export function answer(state: State, asker: Asker, result: unknown): void {
  state.effects.push({
    kind: 'reply',
    peer: asker.peer,
    reply: { kind: 'reply', id: asker.id, ok: true, result },
  })
}

export function refuse(state: State, asker: Asker, error: Failure): void {
  state.effects.push({
    kind: 'reply',
    peer: asker.peer,
    reply: { kind: 'reply', id: asker.id, ok: false, error },
  })
}

export function say(state: State, peer: string, message: ToWorker): void {
  state.effects.push({ kind: 'say', peer, message })
}
