/**
 * Where what would go on for ever is stopped: a task whose attempts keep killing their worker, and a flow that triggers
 * itself. The broker is told these numbers when it starts; whoever is stopped by one is told which, and where it is set.
 */
export type Limits = {
  /** The attempt whose lease runs out for this many times ends its task: it may be what kills its workers. */
  readonly max_lost: number
  /** How many steps may stand one below the other in a flow. */
  readonly max_depth: number
}

export const DEFAULT_LIMITS: Limits = { max_lost: 5, max_depth: 100 }

/** Handlers may go this much deeper, so that somebody is told of the step that was one too deep, and of that failing. */
const FOR_HANDLERS = 2

export const poison = ({ max_lost }: Limits): string =>
  `poison: ${max_lost} ${max_lost === 1 ? 'attempt' : 'attempts'} took the worker with them, and no more are made (--max-lost of the broker)`

/** Why a run that stands this deep is not started; null when it may be. */
export function tooDeep({ max_depth }: Limits, depth: number, isHandler: boolean): string | null {
  if (depth <= (isHandler ? max_depth + FOR_HANDLERS : max_depth)) return null
  return `too_deep: it is step ${depth} in a row of its flow, and no more than ${max_depth} are started (--max-depth of the broker)`
}
