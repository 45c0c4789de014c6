/**
 * How much a door has taken in that no turn has decided yet. Past a bound it takes no more until all of it is decided:
 * what is waiting already is what the broker can do in about a second, and to hold more would only make everybody wait.
 */

export type Intake = {
  /** So many bytes came in. */
  took(bytes: number): void
  isFull(): boolean
}

/** Frames beyond so many bytes in all … */
export const INTAKE_BYTES = 8 * 1024 * 1024
/** … or events beyond so many are left where they are. */
const INTAKE_EVENTS = 10_000

/** `waiting` says how many events are not decided yet. */
export function openIntake(waiting: () => number): Intake {
  let bytes = 0
  const look = (): number => {
    const events = waiting()
    if (events === 0) bytes = 0
    return events
  }
  return {
    took: (more) => {
      look()
      bytes += more
    },
    isFull: () => look() >= INTAKE_EVENTS || bytes >= INTAKE_BYTES,
  }
}
