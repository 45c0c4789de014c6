/** The keepers of this daemon: hired when all others are busy, used again and again, let go at the end. */
import type { Keeper } from './keeper.ts'
import { startKeeper } from './keeper.ts'

export type KeeperPool = {
  /** An idle keeper, or a new one; null when no process could be started. */
  take(): Keeper | null
  /** It has nothing to do any more. */
  giveBack(keeper: Keeper): void
  /** Lets all go; they end when their commands are over. */
  release(): void
}

export function openKeeperPool(options: {
  readonly folder: string
  readonly environment: Readonly<Record<string, string>>
  /** A keeper's command is over. */
  readonly onCode: (keeper: Keeper, entry: string, exit_code: number) => void
  readonly onGone: (keeper: Keeper) => void
}): KeeperPool {
  const idle: Keeper[] = []
  const all = new Set<Keeper>()

  const hire = (): Keeper | null => {
    const keeper = startKeeper({
      folder: options.folder,
      environment: options.environment,
      onCode: (entry, exit_code) => {
        if (keeper) options.onCode(keeper, entry, exit_code)
      },
      onGone: () => {
        if (keeper) gone(keeper)
      },
    })
    if (keeper) all.add(keeper)
    return keeper
  }
  const gone = (keeper: Keeper): void => {
    all.delete(keeper)
    const place = idle.indexOf(keeper)
    if (place !== -1) idle.splice(place, 1)
    options.onGone(keeper)
  }
  return {
    take: () => idle.pop() ?? hire(),
    giveBack: (keeper) => {
      if (all.has(keeper)) idle.push(keeper)
    },
    release: () => {
      for (const keeper of all) keeper.release()
    },
  }
}
