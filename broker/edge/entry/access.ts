/** Everything about who may come in, opened together before any door is: the ZAP handler, challenges, and the names of channels. */
import { randomInt } from 'node:crypto'
import { setTimeout as after } from 'node:timers/promises'
import { Context, Router } from 'zeromq'
import type { Log } from '../../../common/daemon/log.ts'
import type { ListenKey } from '../../../common/link/curve.ts'
import type { Counters } from '../counters.ts'
import { makeChallenges } from './challenges.ts'
import { type Channels, openChannels, secretChannels } from './channels.ts'
import type { DoorKeys } from './door-keys.ts'
import type { Keyring } from './keyring.ts'
import { openZap } from './zap.ts'

export type Access = {
  readonly listen: ListenKey | null
  readonly channels: Channels
  keysOf(door: 'worker' | 'client'): DoorKeys | null
  onRekeyed(told: (keys: ReadonlySet<string>) => void): void
  close(): void
}

/** Without keys everybody may come in, and may do everything. */
const OPEN: Access = {
  listen: null,
  channels: openChannels,
  keysOf: () => null,
  onRekeyed: () => undefined,
  close: () => undefined,
}

export async function openAccess(
  keyring: Keyring | null,
  counters: Counters,
  log: Log,
): Promise<Access> {
  if (keyring === null) return OPEN
  const context = new Context()
  const zap = await openZap({ keyring, counters, log, context })
  const listen = { secret_key: keyring.secret_key, context }
  const channels = secretChannels()
  await beginIdsAnywhere(context)
  return {
    listen,
    channels,
    keysOf: (door) => ({
      listen,
      challenges: makeChallenges(door, keyring),
      find: (key) => keyring.find(key),
    }),
    onRekeyed: (told) =>
      keyring.onChange((keys) => {
        channels.rename()
        told(keys)
      }),
    close: () => {
      keyring.stop()
      zap.close()
    },
  }
}

/** Sockets beyond those that are needed, and how many of them at a time: each takes a file descriptor until it is closed. */
const MOST_SPARE = 512
const AT_ONCE = 16

/**
 * ZeroMQ numbers the peers of a socket from a number that it draws when the socket is made, by a generator that it seeds from the clock
 * and the process id. A peer may claim a number for itself, and one that is claimed before it is given out ends the process; so the
 * number must not be one that can be worked out. Each spare socket draws once.
 */
async function beginIdsAnywhere(context: Context): Promise<void> {
  for (let spare = randomInt(MOST_SPARE); spare > 0; spare -= 1) {
    new Router({ context }).close()
    // ZeroMQ closes them on a thread of its own.
    if (spare % AT_ONCE === 0) await after(1)
  }
}
