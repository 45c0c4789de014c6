/** Several daemons that need each other: started in order, each when the one before serves; stopped the other way round. */
import { createChild } from './child.ts'
import type { Child, ChildHooks, ChildSpec, Timing } from './child.ts'

export type Supervised =
  | {
      readonly kind: 'up'
      readonly children: readonly Child[]
      /** The last one first; fulfilled when all have ended. */
      stop(): Promise<void>
    }
  /** This one would not start; those before it are stopped again. */
  | { readonly kind: 'down'; readonly name: string; readonly how: string }

const TIMING: Timing = {
  ready_limit_ms: 60_000,
  stop_limit_ms: 12_000,
  backoff_ms: 500,
  most_backoff_ms: 30_000,
  steady_ms: 60_000,
}

/** What `stop` may take at most. */
export const stopLimit = (daemons: number): number => daemons * (TIMING.stop_limit_ms + 1_000)

/** @param signal Aborted when it is told to stop before all are up. */
export async function supervise(
  specs: readonly ChildSpec[],
  hooksOf: (name: string) => ChildHooks,
  signal: AbortSignal,
  timing: Timing = TIMING,
): Promise<Supervised> {
  const children: Child[] = []
  const stop = async (): Promise<void> => {
    for (const child of children.toReversed()) await child.stop()
  }
  signal.addEventListener('abort', () => void children.at(-1)?.stop(), { once: true })
  for (const spec of specs) {
    const child = createChild(spec, timing, hooksOf(spec.name))
    children.push(child)
    const started = await child.start()
    if (started.kind === 'ready' && !signal.aborted) continue
    await stop()
    const how = started.kind === 'dead' ? started.how : 'was told to stop'
    return { kind: 'down', name: spec.name, how }
  }
  return { kind: 'up', children, stop }
}
