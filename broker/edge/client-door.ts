/** The client door: commands become events, questions are answered from what is committed. */
import type { Log } from '../../common/daemon/log.ts'
import { openRouter } from '../../common/link/router.ts'
import type { Failure, FromClient as Request, Reply } from '../../common/protocol/client-door.ts'
import { FromClient } from '../../common/protocol/client-door.ts'
import { decodeFrame, type Skipped } from '../../common/protocol/codec.ts'
import type { Command, Event } from '../core/event.ts'
import { failures } from '../core/refusals.ts'
import type { History } from '../store/store.ts'
import type { Counters } from './counters.ts'

export type ClientDoor = {
  readonly address: string
  reply(peer: string, reply: Reply): void
  close(): Promise<void>
}

/** A question's answer, or why there is none. */
export type Answer = { readonly result: unknown } | { readonly error: Failure }

export type ClientDoorPorts = {
  readonly bind: string
  readonly history: History
  readonly counters: Counters
  readonly log: Log
  readonly take: (event: Event) => void
  readonly answer: (request: Request & { kind: 'query' | 'replay' }) => Promise<Answer>
}

const WHOLE_ID = 36

export async function openClientDoor(ports: ClientDoorPorts): Promise<ClientDoor> {
  const { counters, log } = ports
  const drop = (peer: string, reason: string): void => {
    counters.count('client_door_dropped')
    log.warn('dropped a frame at the client door', {
      reason,
      peer: Buffer.from(peer, 'latin1').toString('hex'),
    })
  }
  const link = await openRouter({
    bind: ports.bind,
    onGarbage: drop,
    onGone: () => undefined,
    onTooLarge: (peer, message, bytes) => {
      const { id } = message as Reply
      log.error('an answer was too large for a frame', { bytes })
      link.send(peer, { kind: 'reply', id, ok: false, error: failures.answerTooLarge(bytes) })
    },
    onFrame: (peer, frame) => {
      const decoded = decodeFrame(FromClient, frame)
      if (decoded.kind === 'garbage') return drop(peer, decoded.reason)
      for (const skipped of decoded.skipped) refuse(peer, skipped)
      for (const request of decoded.messages) receive(peer, request)
    },
  })
  /** A request that cannot be read is answered where it has an id: its sender must not wait in vain. */
  const refuse = (peer: string, { reason, message }: Skipped): void => {
    drop(peer, reason)
    const { id } = Object(message) as { id?: unknown }
    if (typeof id !== 'string' && typeof id !== 'number') return
    link.send(peer, { kind: 'reply', id, ok: false, error: failures.badRequest(reason) })
  }
  const receive = (peer: string, request: Request): void => {
    counters.count(`client_${request.kind}`)
    if (request.kind === 'query' || request.kind === 'replay') void ask(peer, request)
    else if (needsWholeId(request)) void expand(peer, request)
    else ports.take({ kind: 'command', peer, command: request })
  }
  const ask = async (
    peer: string,
    request: Request & { kind: 'query' | 'replay' },
  ): Promise<void> => {
    const answer = await ports.answer(request).catch((error: unknown) => {
      log.error('a question could not be answered', { kind: request.kind, error: String(error) })
      return { error: failures.cannotAnswer() }
    })
    const head = { kind: 'reply', id: request.id } as const
    link.send(
      peer,
      'error' in answer
        ? { ...head, ok: false, error: answer.error }
        : { ...head, ok: true, ...answer },
    )
  }
  /** Commands by a shortened run id get the whole one first. */
  const expand = async (peer: string, command: ByRun): Promise<void> => {
    const found = await ports.history
      .find(command.run_id)
      .catch(() => ({ kind: 'unknown' as const }))
    const head = { kind: 'reply', id: command.id, ok: false } as const
    if (found.kind === 'found')
      ports.take({
        kind: 'command',
        peer,
        command: { ...command, run_id: found.run_id } satisfies ByRun,
      })
    else if (found.kind === 'unknown')
      link.send(peer, { ...head, error: failures.unknownRun(command.run_id) })
    else link.send(peer, { ...head, error: failures.ambiguousRun(command.run_id, found.run_ids) })
  }
  return {
    address: link.address,
    reply: (peer, reply) => link.send(peer, reply),
    close: () => link.close(),
  }
}

/** Commands that name one run. */
type ByRun = Extract<Command, { kind: 'cancel' | 'retry' | 'report' }> & { run_id: string }

function needsWholeId(command: Command): command is ByRun {
  return (
    (command.kind === 'cancel' || command.kind === 'retry' || command.kind === 'report') &&
    typeof command.run_id === 'string' &&
    command.run_id.length !== WHOLE_ID
  )
}
