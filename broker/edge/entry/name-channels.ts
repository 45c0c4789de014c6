/** The answer to a client that asks under which names it can follow channels of the feed. Those of tasks are for workers. */
import type { SubscribeAnswer } from '../../../common/protocol/answers.ts'
import type { Failure } from '../../../common/protocol/client-door.ts'
import { failures } from '../../core/refusals.ts'
import type { Channels } from './channels.ts'

export type NameChannel = Channels['give']

const OF_THE_FEED = /^(?:run|flow|gate|worker|output|head)\.(?:[^.]+\.)*$/

export function nameChannels(
  give: NameChannel,
  channels: readonly string[],
): { readonly result: SubscribeAnswer } | { readonly error: Failure } {
  const strange = channels.find((channel) => !OF_THE_FEED.test(channel))
  if (strange !== undefined) return { error: failures.noSuchChannel(strange) }
  const names = channels.map((channel) => [channel, give(channel)] as const)
  const given = names.filter((pair): pair is readonly [string, string] => pair[1] !== null)
  return given.length < names.length
    ? { error: failures.tooManyChannels() }
    : { result: { names: Object.fromEntries(given) } }
}
