/**
 * `npm run bench`: what this machine does in one run. Figures of a noisy machine are ratios, not promises; bench/README.md
 * keeps those that were reached. Name some to run only those: `npm run bench -- noop latency`. What happens past the
 * usual is measured only by name, and is tried out with `--scale 0.01`.
 */
import { parseArgs } from 'node:util'
import { burst } from './burst.ts'
import { fanin } from './fan-in.ts'
import type { Figure } from './figure.ts'
import { httpTriggers } from './http-triggers.ts'
import { keyed } from './keyed.ts'
import { latency } from './latency.ts'
import { reconnect, workers } from './many-workers.ts'
import { memory } from './memory.ts'
import { million } from './million.ts'
import { noopRuns } from './noop-runs.ts'
import { past } from './past.ts'
import { shellCommands } from './shell-commands.ts'
import { subscribers } from './subscribers.ts'

type Benchmark = (scale: number) => Promise<readonly Figure[]>

const USUAL: Readonly<Record<string, Benchmark>> = {
  http: httpTriggers,
  noop: noopRuns,
  latency,
  keyed,
  shell: shellCommands,
  memory,
}
/** Only when they are named: together they take a quarter of an hour. */
const OVERLOAD: Readonly<Record<string, Benchmark>> = {
  burst,
  million,
  past,
  workers,
  reconnect,
  fanin,
  subscribers,
}

const { values, positionals: chosen } = parseArgs({
  allowPositionals: true,
  options: { scale: { type: 'string', default: '1' } },
})
const scale = Number(values.scale)
const all = { ...USUAL, ...OVERLOAD }
const unknown = chosen.find((name) => !Object.hasOwn(all, name))
if (unknown !== undefined || !(scale > 0 && scale <= 1)) {
  console.error(`there are ${Object.keys(all).join(', ')}; and --scale from above 0 to 1`)
  process.exit(2)
}
if (scale < 1) console.log(`at a scale of ${scale}: the overload is tried out, not measured`)
for (const [name, run] of Object.entries(chosen.length > 0 ? all : USUAL)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue
  for (const { what, figure, target, reached } of await run(scale))
    console.log(
      `${what.padEnd(66)} ${figure.padStart(40)}   ${reached ? 'reached' : 'MISSED '} ${target}`,
    )
}
