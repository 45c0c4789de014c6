/** What a door needs where there are keys. */
import type { ListenKey } from '../../../common/link/curve.ts'
import type { Challenges } from './challenges.ts'
import type { Keyring } from './keyring.ts'

export type DoorKeys = {
  readonly listen: ListenKey
  readonly challenges: Challenges
  /** Whose a key is, now. */
  readonly find: Keyring['find']
}
