/** The client door: commands become events, questions are answered from what is committed. */
import type { Log } from '../../common/daemon/log.ts'
import { openRouter } from '../../common/link/router.ts'
import type {
  Failure,
  FromClient as Request,
  Reply,
  ToClient,
} from '../../common/protocol/client-door.ts'
import { AtClientDoor } from '../../common/protocol/client-door.ts'
import { decodeFrame, type Skipped } from '../../common/protocol/codec.ts'
import { disagreement, protocolOf } from '../../common/protocol/versions.ts'
import type { Command, Event } from '../core/event.ts'
import { failures } from '../core/refusals.ts'
import type { History } from '../store/store.ts'
import type { Counters } from './counters.ts'
import { dropper } from './dropped.ts'
import { makeClientEntry } from './entry/client-entry.ts'
import type { DoorKeys } from './entry/door-keys.ts'
import { nameChannels, type NameChannel } from './entry/name-channels.ts'
import type { Intake } from './intake.ts'

export type ClientDoor = {
  readonly address: string
  reply(peer: string, reply: Reply): void
  /** These keys may not come in any more, or as something else; everybody must come in again. */
  rekeyed(keys: ReadonlySet<string>): void
  close(): Promise<void>
}

/** A question's answer, or why there is none. */
export type Answer = { readonly result: unknown } | { readonly error: Failure }

export type ClientDoorPorts = {
  readonly bind: string
  /** Null: whoever reaches the door is heard. */
  readonly keys: DoorKeys | null
  readonly nameChannel: NameChannel
  readonly history: History
  readonly counters: Counters
  readonly log: Log
  readonly take: (event: Event) => void
  readonly intake: Intake
  readonly answer: (request: Request & { kind: 'query' | 'replay' }) => Promise<Answer>
}

const WHOLE_ID = 36

/** Questions and commands that are not answered yet: past these, clients are told to come later. */
const MAX_QUESTIONS = 1_000
const MAX_ASKED_BYTES = 16 * 1024 * 1024
const MAX_COMMANDS = 2_000

export async function openClientDoor(ports: ClientDoorPorts): Promise<ClientDoor> {
  const { counters, log } = ports
  const drop = dropper('client', counters, log)
  const link = await openRouter({
    bind: ports.bind,
    key: ports.keys?.listen ?? null,
    door: 'client',
    onGarbage: drop,
    onGone: (peer) => entry.gone(peer),
    onTooLarge: (peer, message, bytes) => {
      log.error('an answer was too large for a frame', { bytes })
      refuse(peer, (message as Reply).id, failures.answerTooLarge(bytes))
    },
    onFrame: (peer, frame) => {
      const decoded = decodeFrame(AtClientDoor, frame)
      if (decoded.kind === 'garbage') return drop(peer, decoded.reason)
      for (const skipped of decoded.skipped) explain(peer, skipped)
      const share = frame.byteLength / Math.max(1, decoded.messages.length)
      let session = ''
      for (const message of decoded.messages) {
        counters.count(`client_${message.kind}`)
        if (message.kind === 'session') session = message.session
        else if (message.kind === 'knock' || message.kind === 'hello') entry.heard(peer, message)
        else hear(peer, session, message, share)
      }
    },
  })
  const say = (peer: string, message: ToClient): void => link.send(peer, message)
  const entry = makeClientEntry({ keys: ports.keys, say, refused: drop })
  const { receive, answered } = answerRequests(ports, say)
  const refuse = (peer: string, id: Reply['id'], error: Failure): void =>
    say(peer, { kind: 'reply', id, ok: false, error })
  /** A request that cannot be read is answered where it has an id: its sender must not wait in vain. */
  const explain = (peer: string, { reason, message }: Skipped): void => {
    drop(peer, reason)
    const { id } = Object(message) as { id?: unknown }
    if (typeof id === 'string' || typeof id === 'number')
      refuse(peer, id, unreadable(message, reason))
  }
  const hear = (peer: string, session: string, request: Request, bytes: number): void => {
    const objection = entry.objection(peer, session, request)
    if (objection) refuse(peer, request.id, objection)
    else receive(peer, request, bytes)
  }
  return {
    address: link.address,
    reply: (peer, reply) => {
      answered()
      say(peer, reply)
    },
    rekeyed: (keys) => entry.rekeyed(keys),
    close: () => link.close(),
  }
}

/** Takes in requests that may be made: commands go to their turn, and questions are answered here. */
function answerRequests(
  { answer, counters, history, intake, log, nameChannel, ...ports }: ClientDoorPorts,
  say: (peer: string, message: ToClient) => void,
) {
  const questions = makeBacklog(MAX_QUESTIONS, MAX_ASKED_BYTES)
  let commands = 0
  const reply = (peer: string, id: Reply['id'], answered: Answer): void =>
    'error' in answered
      ? say(peer, { kind: 'reply', id, ok: false, error: answered.error })
      : say(peer, { kind: 'reply', id, ok: true, result: answered.result })
  const take = (peer: string, command: Command): void => {
    commands += 1
    ports.take({ kind: 'command', peer, command })
  }
  const ask = async (peer: string, request: Asking): Promise<void> => {
    const answered = await answer(request).catch((error: unknown) => {
      log.error('a question could not be answered', { kind: request.kind, error: String(error) })
      return { error: failures.cannotAnswer() }
    })
    reply(peer, request.id, answered)
  }
  /** Commands by a shortened run id get the whole one first. */
  const expand = async (peer: string, command: ByRun): Promise<void> => {
    const found = await wholeId(history, command.run_id)
    if (typeof found === 'string') take(peer, { ...command, run_id: found })
    else reply(peer, command.id, { error: found })
  }
  return {
    /** `bytes` is about what it takes; a question is held until it is answered, a command until its turn. */
    receive: (peer: string, request: Request, bytes: number): void => {
      if (request.kind === 'subscribe')
        return reply(peer, request.id, nameChannels(nameChannel, request.channels))
      const waits = isQuestion(request) || needsWholeId(request)
      if (waits ? questions.isFull() : commands >= MAX_COMMANDS || intake.isFull()) {
        counters.count('client_busy')
        reply(peer, request.id, { error: failures.busy() })
      } else if (isQuestion(request)) void questions.during(bytes, () => ask(peer, request))
      else if (needsWholeId(request)) void questions.during(bytes, () => expand(peer, request))
      else {
        intake.took(bytes)
        take(peer, request)
      }
    },
    /** A command's turn has come. */
    answered: (): void => void (commands -= 1),
  }
}

/** What waits for the history's thread: bounded in number and in bytes. */
function makeBacklog(most: number, most_bytes: number) {
  let count = 0
  let held = 0
  return {
    isFull: (): boolean => count >= most || held >= most_bytes,
    during: async (bytes: number, work: () => Promise<void>): Promise<void> => {
      count += 1
      held += bytes
      try {
        await work()
      } finally {
        count -= 1
        held -= bytes
      }
    },
  }
}

async function wholeId(history: History, run_id: string): Promise<string | Failure> {
  const found = await history.find(run_id).catch(() => null)
  if (found === null) return failures.cannotAnswer()
  if (found.kind === 'unknown') return failures.unknownRun(run_id)
  return found.kind === 'ambiguous' ? failures.ambiguousRun(run_id, found.run_ids) : found.run_id
}

/** In the words of whoever reads of it: in a daemon's log, or as the answer to an HTTP request. */
function unreadable(message: unknown, reason: string): Failure {
  const apart = disagreement(protocolOf(message), 'the daemon that asks', 'the broker')
  return apart === null ? failures.badRequest(reason) : failures.badProtocol(apart)
}

type Asking = Request & { kind: 'query' | 'replay' }

const isQuestion = (request: Request): request is Asking =>
  request.kind === 'query' || request.kind === 'replay'

/** Commands that name one run. */
type ByRun = Extract<Command, { kind: 'cancel' | 'retry' | 'report' }> & { run_id: string }

function needsWholeId(command: Command): command is ByRun {
  return (
    (command.kind === 'cancel' || command.kind === 'retry' || command.kind === 'report') &&
    typeof command.run_id === 'string' &&
    command.run_id.length !== WHOLE_ID
  )
}
