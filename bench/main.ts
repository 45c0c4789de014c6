/**
 * `npm run bench`: what this machine does in one run. Figures of a noisy machine are ratios, not promises; bench/README.md
 * keeps those that were reached. Name some to run only those: `npm run bench -- noop latency`.
 */
import type { Figure } from './figure.ts'
import { httpTriggers } from './http-triggers.ts'
import { latency } from './latency.ts'
import { memory } from './memory.ts'
import { noopRuns } from './noop-runs.ts'
import { overload } from './overload.ts'
import { shellCommands } from './shell-commands.ts'

const BENCHMARKS: Readonly<Record<string, () => Promise<readonly Figure[]>>> = {
  http: httpTriggers,
  noop: noopRuns,
  latency,
  shell: shellCommands,
  memory,
}
/** Only when they are named: they take long. */
const LONG: typeof BENCHMARKS = { overload }

const chosen = process.argv.slice(2)
const all = { ...BENCHMARKS, ...LONG }
const unknown = chosen.find((name) => !Object.hasOwn(all, name))
if (unknown !== undefined) {
  console.error(`there is no benchmark called ${unknown}; there are ${Object.keys(all).join(', ')}`)
  process.exit(2)
}
for (const [name, run] of Object.entries(all)) {
  if (chosen.length > 0 ? !chosen.includes(name) : name in LONG) continue
  for (const { what, figure, target, reached } of await run())
    console.log(
      `${what.padEnd(58)} ${figure.padStart(28)}   ${reached ? 'reached' : 'MISSED '} ${target}`,
    )
}
