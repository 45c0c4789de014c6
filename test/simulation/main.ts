/**
 * `npm run simulate`: many histories, each from its seed.
 *
 *     npm run simulate -- --seeds 10000 --from 1     # so many, from this one on
 *     npm run simulate -- --seed 4711 --trace        # one, frame by frame
 *     npm run simulate -- --defects                  # which history catches each planted defect
 *
 * Exits with 1 when a promise was broken; the seed that is printed does it again.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { DEFECTS, hunt } from './defects.ts'
import type { Shard } from './shard.ts'
import { tellStory, type Told } from './story.ts'
import { addStory, emptyTally, type Tally, tallyText } from './tally.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    defects: { type: 'boolean', default: false },
    /** Stops at the first violation: for planted defects. */
    first: { type: 'boolean', default: false },
  },
})

if (values.defects) process.exit(await huntAll())

const begun = performance.now()
const tally = values.seed === undefined ? await tellMany() : await tellOne(Number(values.seed))
console.log(tallyText(tally, (performance.now() - begun) / 1000))
process.exit(tally.violations.length > 0 ? 1 : 0)

async function tellOne(seed: number): Promise<Tally> {
  const one = emptyTally()
  const told = await tellStory(seed, values.trace ? { trace: (line) => console.log(line) } : {})
  if (told.violation) console.log(told.violation)
  addStory(one, told)
  return one
}

async function tellMany(): Promise<Tally> {
  const from = Number(values.from)
  const end = from + Number(values.seeds)
  const threads = values.first ? 1 : Math.max(1, availableParallelism())
  const all = emptyTally()
  const isEnough = (): boolean => values.first && all.violations.length > 0
  const shards = Array.from({ length: threads }, (_, n) => ({
    first: from + n,
    step: threads,
    end,
  }))
  await Promise.all(shards.map((shard) => tellShard(shard, all, isEnough)))
  return all
}

function tellShard(shard: Shard, all: Tally, isEnough: () => boolean): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const thread = new Worker(new URL('./shard.ts', import.meta.url), { workerData: shard })
  thread.on('message', (told: Told) => {
    if (isEnough()) return
    addStory(all, told)
    if (told.violation) console.log(`seed ${told.seed}: ${told.violation}`)
    else if (all.seeds % 1_000 === 0) console.log(`${all.seeds} histories, ${all.runs} runs`)
    if (isEnough()) void thread.terminate()
  })
  thread.on('error', reject)
  thread.on('exit', () => resolve())
  return promise
}

/** Exits with 1 when one of them gets by. */
async function huntAll(): Promise<number> {
  let missed = 0
  for (const defect of DEFECTS) {
    const { caught, said } = await hunt(defect, Number(values.from), Number(values.seeds))
    if (!caught) missed += 1
    console.log(`${caught ? 'caught' : 'MISSED'}: ${defect.name}\n${said}`)
  }
  return missed > 0 ? 1 : 0
}
