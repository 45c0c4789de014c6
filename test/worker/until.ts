/** Waiting in tests: for something to become true, and never for longer than is sane. */

const LIMIT_MS = 20_000
const LOOK_MS = 10

/** Fulfilled with the first answer that is not null, undefined or false. */
export async function until<T>(
  what: string,
  look: () => T | null | undefined | false,
  limit_ms = LIMIT_MS,
): Promise<T> {
  const end_ms = Date.now() + limit_ms
  for (;;) {
    const found = look()
    if (found !== null && found !== undefined && found !== false) return found
    if (Date.now() > end_ms) throw new Error(`waited too long until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}
