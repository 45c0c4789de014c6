/**
 * What a worker's key lets it announce: jobs of its topics alone. A job that is known by another topic is not its own to redefine
 * either, whatever topic it says: otherwise a worker could make itself the host of any job.
 */
import type { Authorised } from '../../../common/keys/authorised.ts'
import { matchesAny } from '../../../common/definition/name-patterns.ts'
import type { Hello } from '../../../common/protocol/worker-door.ts'

const MAX_NOTE = 4096

/**
 * A hello without the jobs that the key may not serve; `reload_error` says which they are.
 * @param topicOf The topic of a job that is known; undefined for one that is not.
 */
export function narrowHello(
  hello: Hello,
  key: Pick<Authorised, 'name' | 'topics'>,
  topicOf: (job: string) => string | undefined,
): Hello {
  const mayServe = (topic: string | undefined): boolean =>
    topic === undefined || matchesAny(key.topics, topic)
  const isAllowed = ({ job, topic }: Hello['cards'][number]): boolean =>
    mayServe(topic) && mayServe(topicOf(job))
  const left_out = hello.cards.filter((card) => !isAllowed(card)).map(({ job }) => job)
  if (left_out.length === 0) return hello
  const note = `the key ${key.name} may not serve the topics of: ${left_out.join(', ')}`
  const notes = hello.reload_error === null ? [note] : [hello.reload_error, note]
  return {
    ...hello,
    cards: hello.cards.filter(isAllowed),
    reload_error: notes.join('; ').slice(0, MAX_NOTE),
  }
}
