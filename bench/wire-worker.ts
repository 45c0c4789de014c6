/**
 * A worker on the wire that runs nothing: it ends each task as soon as it gets it, in as few frames as it can. It shows
 * what the broker can do, without the cost of commands. Started by the benchmarks as a process of its own:
 * `node bench/wire-worker.ts DOOR CREDIT [latency|spent] [KEY FILE]`. With `latency` it prints how long each run took to reach it; with
 * `spent` it takes CREDIT tasks and no more.
 */
import { readDaemonKey } from '../common/keys/key-file.ts'
import { proofOf } from '../common/keys/proof.ts'
import { openDealer } from '../common/link/dealer.ts'
import { decodeFrame } from '../common/protocol/codec.ts'
import { PROTOCOL_VERSION } from '../common/protocol/limits.ts'
import { ToWorker } from '../common/protocol/worker-door.ts'
import { noopCard } from './noop-card.ts'

const [address = 'tcp://127.0.0.1:6770', credit = '4096', mode = '', path = ''] =
  process.argv.slice(2)
const read = path === '' ? null : readDaemonKey(path, 'worker')
if (read !== null && read.kind !== 'key') throw new Error(`${path} is no key`)
const key = read?.key ?? null
let session = ''
let granted = Number(credit)
const waits_ms: number[] = []

const link = openDealer({
  address,
  key,
  opening: () => (session === '' ? [] : [{ kind: 'session', session }]),
  onTooLarge: (_, bytes) => {
    throw new Error(`${bytes} bytes in one message`)
  },
  onConnect: () =>
    link.send(key === null ? hello() : { kind: 'knock', protocol: PROTOCOL_VERSION }),
  onFrame: (frame) => {
    const decoded = decodeFrame(ToWorker, frame)
    if (decoded.kind !== 'frame') throw new Error(decoded.reason)
    const ended = decoded.messages.flatMap((message) => {
      if (message.kind === 'challenge') link.send({ ...hello(), proof: prove(message.challenge) })
      if (message.kind === 'welcome') {
        session = message.session
        process.stdout.write('ready\n')
        setInterval(() => say([{ kind: 'heartbeat' }]), message.heartbeat_ms)
      }
      return message.kind === 'task'
        ? [end(message.task_id ?? '', message.attempt, message.params)]
        : []
    })
    if (ended.length === 0) return
    if (mode !== 'spent') granted += ended.length
    say([...ended, { kind: 'credit', credit: granted }])
  },
})

const hello = () => ({
  kind: 'hello',
  protocol: PROTOCOL_VERSION,
  version: 'bench',
  name: 'bench',
  instance: 'bench',
  slots: Number(credit),
  credit: granted,
  cards: [noopCard],
  lanes: {},
  held: [],
  reload_error: null,
})

function prove(challenge: string): unknown {
  if (key === null) return undefined
  const claim = { door: 'worker', challenge, name: 'bench', instance: 'bench' } as const
  return { key: key.public_key, challenge, mac: proofOf(key.secret_key, key.broker_key, claim) }
}

function say(messages: readonly unknown[]): void {
  for (const message of messages) link.send(message)
}

function end(task_id: string, attempt: number, params: Readonly<Record<string, string>>): unknown {
  const now = Date.now()
  if (mode === 'latency')
    waits_ms.push(performance.timeOrigin + performance.now() - Number(params['at']))
  return {
    kind: 'ended',
    task_id,
    attempt,
    exit_code: 0,
    signal: null,
    reason: null,
    message: null,
    started_at_ms: now,
    finished_at_ms: now,
    output: {},
    stdout_bytes: 0,
    stderr_bytes: 0,
    error_tail: '',
  }
}

process.on('SIGTERM', () => {
  const said = mode === 'latency' ? `${JSON.stringify(waits_ms)}\n` : ''
  // A pipe takes a long line in pieces: it ends when all of them are out.
  process.stdout.write(said, () => process.exit(0))
})
