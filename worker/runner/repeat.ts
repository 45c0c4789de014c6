/** Does something again and again for as long as it says that there is a reason to. */
export type Repeat = { begin(): void; stop(): void }

/** @param look Answers whether to go on. */
export function repeatEvery(interval_ms: number, look: () => boolean): Repeat {
  let timer: NodeJS.Timeout | null = null
  const stop = (): void => {
    if (timer) clearInterval(timer)
    timer = null
  }
  return {
    begin: () => {
      timer ??= setInterval(() => {
        if (!look()) stop()
      }, interval_ms)
    },
    stop,
  }
}
