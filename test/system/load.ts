/**
 * A client that goes on all the time while a test restarts daemons: it starts jobs over HTTP at a steady pace, never
 * waits for one answer before it asks the next, and repeats a request that failed exactly once, after a short pause, with
 * the same `request_id`, at the other frontend. That is all that a cautious crontab does.
 */

/** Between two requests, and between a failure and its one repetition. */
const PACE_MS = 120
const PAUSE_MS = 250

export type Accepted = { readonly run_id: string; readonly job: string; readonly n: number }

export type Load = {
  /** What was answered with 202, in order of the answers. */
  readonly accepted: readonly Accepted[]
  /** Requests whose first try failed, and why. */
  readonly repeated: readonly string[]
  /** Requests that failed twice. */
  readonly failed: readonly string[]
  /** Fulfilled when so many more requests were asked from now on, and all of those were answered. */
  more(count: number): Promise<void>
  /** No more requests; fulfilled when all are answered. */
  end(): Promise<void>
}

export function startLoad(urls: readonly [string, string], jobs: readonly string[]): Load {
  const accepted: Accepted[] = []
  const repeated: string[] = []
  const failed: string[] = []
  const asked: Promise<void>[] = []
  const steps = new Set<() => void>()

  const ask = async (job: string, n: number): Promise<void> => {
    const query = `/job_start?job_name=${job}&n=${n}&request_id=${job}-${n}`
    const near = urls[n % 2] ?? urls[0]
    const far = urls[(n + 1) % 2] ?? urls[0]
    const first = await tryOnce(near + query)
    if ('run_id' in first) return void accepted.push({ run_id: first.run_id, job, n })
    repeated.push(`${job} ${n}: ${first.why}`)
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    const second = await tryOnce(far + query)
    if ('run_id' in second) accepted.push({ run_id: second.run_id, job, n })
    else failed.push(`${job} ${n}: ${first.why}, then ${second.why}`)
  }
  let n = 0
  const timer = setInterval(() => {
    for (const job of jobs) asked.push(ask(job, n))
    n += 1
    for (const step of steps) step()
  }, PACE_MS)

  return {
    accepted,
    repeated,
    failed,
    more: async (count) => {
      const until = asked.length + count
      await new Promise<void>((resolve) => {
        const step = (): void => {
          if (asked.length < until) return
          steps.delete(step)
          resolve()
        }
        steps.add(step)
      })
      await Promise.all(asked.slice(0, until))
    },
    end: async () => {
      clearInterval(timer)
      await Promise.all(asked)
    },
  }
}

async function tryOnce(url: string): Promise<{ run_id: string } | { why: string }> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(30_000) })
    const body = (await response.json()) as { run_id?: string; error?: { message: string } }
    if (response.status === 202 && body.run_id) return { run_id: body.run_id }
    return { why: `${response.status} ${body.error?.message ?? ''}` }
  } catch (error) {
    const { cause } = error as { cause?: unknown }
    return { why: String(cause ?? error) }
  }
}
