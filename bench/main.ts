/**
 * `npm run bench`: what this machine does in one run. Figures of a noisy machine are ratios, not promises; bench/README.md
 * keeps those that were reached. Name some to run only those: `npm run bench -- noop latency`.
 */
import type { Figure } from './figure.ts'
import { httpTriggers } from './http-triggers.ts'
import { latency } from './latency.ts'
import { memory } from './memory.ts'
import { noopRuns } from './noop-runs.ts'
import { shellCommands } from './shell-commands.ts'

const BENCHMARKS: Readonly<Record<string, () => Promise<readonly Figure[]>>> = {
  http: httpTriggers,
  noop: noopRuns,
  latency,
  shell: shellCommands,
  memory,
}

const chosen = process.argv.slice(2)
const unknown = chosen.find((name) => !Object.hasOwn(BENCHMARKS, name))
if (unknown !== undefined) {
  console.error(
    `there is no benchmark called ${unknown}; there are ${Object.keys(BENCHMARKS).join(', ')}`,
  )
  process.exit(2)
}
for (const [name, run] of Object.entries(BENCHMARKS)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue
  for (const { what, figure, target, reached } of await run())
    console.log(
      `${what.padEnd(58)} ${figure.padStart(28)}   ${reached ? 'reached' : 'MISSED '} ${target}`,
    )
}
