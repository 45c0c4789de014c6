/** What a door needs where there are keys. */
import type { ListenKey } from '../../../common/link/curve.ts'
import type { Challenges } from './challenges.ts'

export type DoorKeys = {
  readonly listen: ListenKey
  readonly challenges: Challenges
}
