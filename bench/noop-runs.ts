/** Durable runs per second, end to end: triggers in batches through the client door, ended by a worker on the wire. */
import { openClient, requestId } from './client.ts'
import { withDaemons } from './daemons.ts'
import type { Figure } from './figure.ts'

const RUNS = 100_000
const BATCH = 500
/** Batches under way at once: enough that the broker never waits for the client. */
const AT_ONCE = 8

export async function noopRuns(): Promise<readonly Figure[]> {
  const rate = await noopRate({ keyed: false })
  return [
    {
      what: 'durable no-op runs, end to end, through the client door',
      figure: `${Math.round(rate)} runs/s`,
      target: 'at least 15,000 runs/s',
      reached: rate >= 15_000,
    },
  ]
}

/** Runs a second. */
export const noopRate = (how: { readonly keyed: boolean }): Promise<number> =>
  withDaemons(async ({ broker, wireWorker, addresses, key }) => {
    await broker()
    await wireWorker('4096')
    const client = openClient(addresses.client, key)
    await go(client, 0, 10_000)
    const began = performance.now()
    await go(client, 1_000, RUNS)
    await client.drained()
    const rate = RUNS / ((performance.now() - began) / 1000)
    await client.close()
    return rate
  }, how)

/** Triggers so many runs in batches, several batches at once. `first` is the number of the first batch. */
export async function go(
  client: ReturnType<typeof openClient>,
  first: number,
  runs: number,
): Promise<void> {
  let next = first
  const last = first + runs / BATCH
  const lane = async (): Promise<void> => {
    while (next < last) {
      const batch = next++
      await client.trigger(
        Array.from({ length: BATCH }, (_, n) => ({
          job: 'noop',
          params: { date: '2026_11_23' },
          request_id: requestId(batch, n),
        })),
      )
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
}
