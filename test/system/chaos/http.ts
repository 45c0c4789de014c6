/** Asking the frontends, of which any may be dead, frozen or cut off at any time. */
import type { Answer } from './history.ts'
import { FINAL_STATES } from './history.ts'

/** Longer than a frontend waits for its broker. */
const PATIENCE_MS = 15_000

export type Told = { readonly status: number; readonly body: unknown }

/** Null when no whole answer came. */
export async function ask(url: string, init: RequestInit = {}): Promise<Told | null> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS), ...init })
    return { status: response.status, body: await response.json() }
  } catch {
    return null
  }
}

/** To be asked again: 5xx says that it may have happened or not, 429 that there is no room now. */
export const isNoAnswer = (told: Told | null): told is null =>
  told === null || told.status >= 500 || told.status === 429

export function answerOf({ status, body }: Told): Answer {
  const { run_id, state } = body as { run_id?: string; state?: string }
  return {
    status,
    run_id: run_id ?? null,
    final_state: state !== undefined && FINAL_STATES.has(state) ? state : null,
  }
}
