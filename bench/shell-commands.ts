/** Shell commands per second through a real worker, beside what xargs does in the same minute. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { openClient, requestId } from './client.ts'
import { withDaemons } from './daemons.ts'
import type { Figure } from './figure.ts'

const COMMANDS = 4_000
const SLOTS = 4
const ROUNDS = 3

export const shellCommands = (): Promise<readonly Figure[]> =>
  withDaemons(async ({ broker, worker, addresses, folder }) => {
    const jobs = join(folder, 'jobs')
    await mkdir(jobs)
    await writeFile(join(jobs, 'jobs.yaml'), "jobs: {nothing: {deliver: one, command: 'true'}}\n")
    await broker()
    await worker(jobs, SLOTS)
    const client = openClient(addresses.client)
    await jobz(client, 0, 500)
    const ratios: { jobz: number; xargs: number }[] = []
    for (let round = 1; round <= ROUNDS; round++)
      ratios.push({ xargs: await xargs(COMMANDS), jobz: await jobz(client, round, COMMANDS) })
    await client.close()
    const [middle] = ratios
      .sort((a, b) => a.jobz / a.xargs - b.jobz / b.xargs)
      .slice(Math.floor(ROUNDS / 2))
    if (!middle) throw new Error('no rounds')
    const ratio = middle.jobz / middle.xargs
    return [
      {
        what: `shell commands through a worker, ${SLOTS} slots, beside xargs -P${SLOTS}`,
        figure: `${Math.round(middle.jobz)}/s : ${Math.round(middle.xargs)}/s = ${ratio.toFixed(2)}`,
        target: 'at least 0.8 × xargs (the middle of three rounds)',
        reached: ratio >= 0.8,
      },
    ]
  })

async function jobz(
  client: ReturnType<typeof openClient>,
  round: number,
  commands: number,
): Promise<number> {
  const triggers = Array.from({ length: commands }, (_, n) => ({
    job: 'nothing',
    params: {},
    request_id: requestId(round, n),
  }))
  const began = performance.now()
  for (let at = 0; at < triggers.length; at += 1_000)
    await client.trigger(triggers.slice(at, at + 1_000))
  await client.drained()
  return commands / ((performance.now() - began) / 1000)
}

async function xargs(commands: number): Promise<number> {
  const input = Array.from({ length: commands }, (_, n) => `${n}\n`).join('')
  const began = performance.now()
  await execa('xargs', [`-P${SLOTS}`, '-n1', 'sh', '-c', 'true'], { input })
  return commands / ((performance.now() - began) / 1000)
}
