/**
 * Many workers in one process: the real life, core and door of each, with its own sockets, over a runner that starts
 * nothing and a spool that writes nothing. A job called `hold` runs until the process ends, any other ends at once.
 * `node bench/worker-lives.ts DOOR JOBS FIRST WORKERS SLOTS FOLDER`. It says `ready` when all are welcomed, `all` whenever all
 * are again, and when it is ended prints when each said hello and was welcomed, in ms since 1970.
 */
import type { Log } from '../common/daemon/log.ts'
import { readCatalog } from '../worker/edge/catalog.ts'
import { openDoor } from '../worker/edge/door.ts'
import type { Door } from '../worker/edge/door.ts'
import { Life } from '../worker/edge/life.ts'
import type { Event } from '../worker/core/event.ts'
import { newWorker } from '../worker/core/state.ts'
import type { Runner } from '../worker/runner/runner.ts'
import type { Spool } from '../worker/runner/spool.ts'

const [address = '', jobs = '', first = '0', count = '0', slots = '1', folder = ''] =
  process.argv.slice(2)
const ENDED = {
  how: { kind: 'code', exit_code: 0 },
  stdout_bytes: 0,
  stderr_bytes: 0,
  output: {},
  error_tail: '',
} as const

const nothing = (): void => undefined
const log: Log = { debug: nothing, info: nothing, warn: nothing, error: console.error }
const spool = { folder, keep: nothing, noteStop: () => null, forget: nothing } as unknown as Spool
const read = readCatalog(jobs, ['*'])
if (read.kind === 'refused') throw new Error(read.message)
const { catalog } = read

const hellos: number[] = []
const welcomes: number[] = []
const welcomed = new Set<string>()
let said = false

function live(name: string): void {
  const worker = newWorker({ name, slots: Number(slots), jobs: catalog.jobs })
  const life = new Life({
    worker,
    instance: name,
    version: 'bench',
    spool,
    log,
    read: () => read,
    catalog,
  })
  const onEvent = (event: Event): void => {
    if (event.kind === 'disconnected') welcomed.delete(name)
    life.take(event)
  }
  life.begin(runnerOf(onEvent), () => noting(name, openDoor({ address, key: null, onEvent, log })))
}

/** It answers as a runner does, and runs nothing. */
function runnerOf(take: (event: Event) => void): Runner {
  const start: Runner['start'] = ({ key, job }) => {
    const at_ms = Date.now()
    take({ kind: 'started', key, at_ms })
    const exit = { ...ENDED, started_at_ms: at_ms, finished_at_ms: at_ms }
    if (job.card.job !== 'hold') setImmediate(() => take({ kind: 'exited', key, exit }))
  }
  return {
    start,
    terminate: nothing,
    kill: nothing,
    leave: nothing,
    cut: nothing,
    read: () => Buffer.alloc(0),
  } as unknown as Runner
}

const noting = (name: string, door: Door): Door => ({
  ...door,
  hello: (hello) => {
    hellos.push(Date.now())
    door.hello(hello)
  },
  welcomed: (session, feed, channels) => {
    welcomes.push(Date.now())
    welcomed.add(name)
    if (welcomed.size === Number(count)) {
      process.stdout.write(said ? 'all\n' : 'ready\n')
      said = true
    }
    door.welcomed(session, feed, channels)
  },
})

for (let n = 0; n < Number(count); n++) live(`bench-${Number(first) + n}`)

process.on('SIGTERM', () => {
  process.stdout.write(`${JSON.stringify({ hellos, welcomes })}\n`)
  process.exit(0)
})
