/** What a queued run costs the broker in memory: 200,000 of them, of a job whose worker takes nothing. */
import { readFile } from 'node:fs/promises'
import { openClient, requestId } from './client.ts'
import { withDaemons } from './daemons.ts'
import type { Figure } from './figure.ts'

const QUEUED = 200_000
const WARM = 100_000
const BATCH = 1_000

export const memory = (): Promise<readonly Figure[]> =>
  withDaemons(async ({ broker, wireWorker, addresses }) => {
    const { pid } = await broker()
    await wireWorker(String(WARM), 'spent')
    const client = openClient(addresses.client)
    const fill = async (first: number, runs: number): Promise<void> => {
      for (let batch = first; batch < first + runs / BATCH; batch++)
        await client.trigger(
          Array.from({ length: BATCH }, (_, n) => ({
            job: 'noop',
            params: {
              date: '2026_11_23',
              source: `shop-${n}`,
              note: 'a parameter of a usual length',
            },
            request_id: requestId(batch, n),
          })),
        )
    }
    // The first runs come and go: they make the process as large as its work needs, whatever is queued.
    await fill(0, WARM)
    await client.drained()
    const before = await residentBytes(pid)
    await fill(1_000, QUEUED)
    const after = await residentBytes(pid)
    await client.close()
    const each = (after - before) / QUEUED
    return [
      {
        what: `broker memory per queued run, at ${QUEUED} queued`,
        figure: `${Math.round(each)} bytes`,
        target: 'under 1,024 bytes (resident, with what is not collected yet)',
        reached: each < 1_024,
      },
    ]
  })

/** Resident memory of a process. */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) * 1024
}
