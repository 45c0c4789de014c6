/**
 * Many workers on the wire in one process, which take tasks and keep them: `node bench/wire-workers.ts DOOR WORKERS CREDIT`.
 * They come back with what they hold, as real workers do.
 */
import { openDealer } from '../common/link/dealer.ts'
import { decodeFrame } from '../common/protocol/codec.ts'
import { PROTOCOL_VERSION } from '../common/protocol/limits.ts'
import { type Held, ToWorker } from '../common/protocol/worker-door.ts'
import { noopCard } from './noop-card.ts'

const [address = '', workers = '0', credit = '0'] = process.argv.slice(2)
let welcomed = 0

function startWorker(name: string): void {
  let session = ''
  const held = new Map<string, Held>()
  const link = openDealer({
    address,
    opening: () => (session === '' ? [] : [{ kind: 'session', session }]),
    onTooLarge: (_, bytes) => {
      throw new Error(`${bytes} bytes in one message`)
    },
    onConnect: () => {
      session = ''
      link.send({
        kind: 'hello',
        protocol: PROTOCOL_VERSION,
        version: 'bench',
        name,
        instance: name,
        slots: Number(credit),
        credit: Math.max(0, Number(credit) - held.size),
        cards: [noopCard],
        lanes: {},
        held: [...held.values()],
        reload_error: null,
      })
    },
    onFrame: (frame) => {
      const decoded = decodeFrame(ToWorker, frame)
      if (decoded.kind !== 'frame') throw new Error(decoded.reason)
      for (const message of decoded.messages) {
        if (message.kind === 'welcome') {
          if (session === '' && ++welcomed === Number(workers)) process.stdout.write('ready\n')
          session = message.session
        } else if (message.kind === 'task') {
          const { task_id = '', attempt } = message
          held.set(task_id, { task_id, attempt, state: 'running' })
          link.send({ kind: 'started', task_id, attempt, at_ms: Date.now() })
        }
      }
    },
  })
  setInterval(() => link.send({ kind: 'heartbeat' }), 5_000)
}

for (let n = 0; n < Number(workers); n++) startWorker(`bench-${n}`)
