/** Whether a worker that says hello may come in, under which key, and with which of its jobs. */
import { matchesAny } from '../../../common/definition/name-patterns.ts'
import type { Hello } from '../../../common/protocol/worker-door.ts'
import type { State } from '../../core/state.ts'
import type { DoorKeys } from './door-keys.ts'
import { narrowHello } from './narrow.ts'

export type AdmittedWorker =
  | { readonly kind: 'refused'; readonly message: string }
  /** `key` is left out where there are no keys. */
  | { readonly kind: 'admitted'; readonly hello: Hello; readonly key?: string }

export function admitWorker(
  keys: DoorKeys | null,
  state: Pick<State, 'jobs' | 'cards'>,
  peer: string,
  hello: Hello,
): AdmittedWorker {
  if (keys === null) return { kind: 'admitted', hello }
  const { name, instance, proof } = hello
  const judged = keys.challenges.judge(peer, proof, { name, instance })
  if (judged.kind === 'unproven') return { kind: 'refused', message: judged.why }
  const { key } = judged
  if (!matchesAny(key.workers, name))
    return {
      kind: 'refused',
      message: `the key ${key.name} is for ${key.workers.join(', ')}, and not for a worker called ${name}`,
    }
  const topicOf = (job: string): string | undefined => {
    const hash = state.jobs.get(job)
    return hash === undefined ? undefined : state.cards.get(hash)?.topic
  }
  return { kind: 'admitted', hello: narrowHello(hello, key, topicOf), key: key.public_key }
}
