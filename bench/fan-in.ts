/** A gate of a thousand distinct members, through a real semaphore process: from the last success to the run that follows. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunView } from '../common/protocol/answers.ts'
import { type Client, openClient, requestId } from './client.ts'
import { withDaemons } from './daemons.ts'
import type { Figure } from './figure.ts'
import { scaled, spreadFigure, spreadOf, toldFigure, until } from './spread.ts'

const MEMBERS = 1_000
/** Gates whose last member comes alone, when all others have long been there. */
const LAST_ALONE = 5

export const fanin = (scale: number): Promise<readonly Figure[]> =>
  withDaemons(async ({ broker, wireWorker, semaphore, folder, addresses }) => {
    const members = scaled(MEMBERS, scale, 10)
    const jobs = join(folder, 'jobs')
    await mkdir(jobs)
    await writeFile(join(jobs, 'semaphores.yaml'), yaml(members))
    await broker()
    await wireWorker('4096')
    await semaphore(jobs)
    const client = openClient(addresses.client)
    const atOnce: number[] = []
    const whole: number[] = []
    for (let n = 0; n < LAST_ALONE; n++) {
      const date = `at-once-${n}`
      await start(client, date, 0, members)
      const { after_ms, all_ms } = await opened(client, date)
      atOnce.push(after_ms)
      whole.push(all_ms)
    }
    const alone: number[] = []
    for (let n = 0; n < LAST_ALONE; n++) {
      const date = `last-alone-${n}`
      await start(client, date, 0, members - 1)
      await until('all others have arrived', async () => {
        const gates = (await client.semaphores()).flatMap((semaphore) => semaphore.gates)
        return gates.some(({ key, arrived_count }) => key === date && arrived_count === members - 1)
      })
      await start(client, date, members - 1, members)
      alone.push((await opened(client, date)).after_ms)
    }
    await client.close()
    return [
      spreadFigure(
        `a gate of ${members}, all at once: last success to the next run`,
        spreadOf(atOnce),
        null,
      ),
      spreadFigure('… from the first trigger to the next run', spreadOf(whole), null),
      spreadFigure('… the last one alone: its success to the next run', spreadOf(alone), null),
      toldFigure('… gates that opened', `${2 * LAST_ALONE}, each once`, 'each once'),
    ]
  })

const yaml = (members: number): string => `semaphores:
  all:
    wait_for: [{job: noop, count: ${members}, distinct: "%(source)s"}]
    key: "%(date)s"
    then: joined
`

async function start(client: Client, date: string, first: number, end: number): Promise<void> {
  for (let at = first; at < end; at += 500)
    await client.trigger(
      Array.from({ length: Math.min(500, end - at) }, (_, n) => ({
        job: 'noop',
        params: { date, source: `shop-${at + n}` },
        request_id: requestId(at, n) + date,
      })),
    )
}

/** By the broker's own clock. Nobody has announced the job that follows: its run is born, and waits. */
async function opened(client: Client, date: string): Promise<{ after_ms: number; all_ms: number }> {
  const joined = async (): Promise<RunView[]> =>
    (await client.runsOf('joined')).filter(({ params }) => params['date'] === date)
  await until(`the gate of ${date} opens`, async () => (await joined()).length > 0)
  const [next, ...more] = await joined()
  if (!next || more.length > 0)
    throw new Error(`the gate of ${date} opened ${more.length + 1} times`)
  const runs = (await client.runsOf('noop')).filter(({ params }) => params['date'] === date)
  const last_ms = Math.max(...runs.map(({ finished_at }) => Date.parse(finished_at ?? '')))
  const first_ms = Math.min(...runs.map(({ created_at }) => Date.parse(created_at)))
  const born_ms = Date.parse(next.created_at)
  return { after_ms: born_ms - last_ms, all_ms: born_ms - first_ms }
}
