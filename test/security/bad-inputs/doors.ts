/** Speaks to a door of the broker by hand: one bad frame, then something good, whose answer ends the waiting. */
import { Dealer } from 'zeromq'
import type { FrameCase } from './wire.ts'

type Message = Record<string, unknown> & { readonly error?: { readonly code?: string } }

/** What shows that a door still answers: what is said, and what is heard then. */
export type Proof = {
  readonly said: readonly unknown[]
  readonly isHeard: (message: Message) => boolean
}

export const CLIENT_PROOF: Proof = {
  said: [{ kind: 'query', id: 'proof', question: { what: 'health' } }],
  isHeard: ({ id }) => id === 'proof',
}
export const WORKER_PROOF: Proof = {
  said: [{ kind: 'session', session: 'proof' }, { kind: 'heartbeat' }],
  isHeard: ({ session }) => session === 'proof',
}

/** Null when the refusals that came back are the expected ones. */
export async function say(door: string, proof: Proof, one: FrameCase): Promise<string | null> {
  const [what, frame, code] = one
  const socket = new Dealer({ linger: 0, receiveTimeout: 20_000 })
  try {
    socket.connect(door)
    await socket.send(typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : [...frame])
    await socket.send(JSON.stringify(proof.said))
    const heard: Message[] = []
    // A refusal that needs a look into the store may come after the proof.
    while (!heard.some(proof.isHeard) || heard.length < (code === null ? 1 : 2)) {
      const [bytes] = await socket.receive()
      heard.push(...(JSON.parse(String(bytes)) as Message[]))
    }
    const others = heard.filter((message) => !proof.isHeard(message))
    const codes = others.map((message) => message['code'] ?? message.error?.code ?? message['kind'])
    if (JSON.stringify(codes) === JSON.stringify(code === null ? [] : [code])) return null
    return `${what}: ${JSON.stringify(others).slice(0, 300)}`
  } finally {
    socket.close()
  }
}
