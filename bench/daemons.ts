/** Daemons for a benchmark: real ones, on loopback, in a folder that is removed after it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { execa } from 'execa'
import { brokerAddresses, type BrokerAddresses } from '../common/link/address.ts'

const ROOT = join(import.meta.dirname, '..')
/** Ports that nothing else here is likely to use. */
const DOOR = 'tcp://127.0.0.1:18770'
const LISTEN = '127.0.0.1:18769'

export type Running = {
  readonly pid: number
  /** Lines it wrote to standard output after `ready`. */
  readonly lines: string[]
  stop(): Promise<void>
  /** Ends it as kill -9 does. */
  kill(): Promise<void>
}

export type Bench = {
  readonly folder: string
  readonly addresses: BrokerAddresses
  readonly url: string
  readonly broker: (...more: string[]) => Promise<Running>
  readonly frontend: () => Promise<Running>
  readonly worker: (jobs: string, slots: number) => Promise<Running>
  readonly semaphore: (jobs: string) => Promise<Running>
  /** A worker on the wire: `node bench/wire-worker.ts`. */
  readonly wireWorker: (...args: string[]) => Promise<Running>
  /** Any other script of this folder that says `ready`. */
  readonly script: (name: string, ...args: string[]) => Promise<Running>
  /** Asks the frontend for a path every 50 ms until it is stopped; then, how long the answers took. */
  readonly probe: (path: string) => Promise<() => Promise<Probed>>
}

export type Probed = { readonly times: number[]; readonly failed: number }

/** Gives a benchmark its daemons, and ends them with it, whatever happens. */
export async function withDaemons<T>(run: (bench: Bench) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'jobz-bench-'))
  const running: Running[] = []
  const addresses = brokerAddresses(DOOR)
  if (!addresses) throw new Error(`${DOOR} is no address`)
  const launch = async (script: string, ...args: string[]): Promise<Running> => {
    const one = await start(script, args, folder)
    running.push(one)
    return one
  }
  const jobz = (...args: string[]): Promise<Running> => launch('cli/main.ts', ...args)
  try {
    return await run({
      folder,
      addresses,
      url: `http://${LISTEN}`,
      broker: (...more) =>
        jobz('broker', '--data', join(folder, 'broker'), '--bind', DOOR, ...more),
      frontend: () => jobz('frontend', '--listen', LISTEN, '--broker', DOOR),
      worker: (jobs, slots) =>
        jobz(
          'worker',
          '--jobs',
          jobs,
          '--slots',
          String(slots),
          '--spool',
          join(folder, 'worker'),
          '--broker',
          DOOR,
          '--name',
          'bench',
          '--allow-root',
        ),
      semaphore: (jobs) => jobz('semaphore', '--jobs', jobs, '--broker', DOOR),
      wireWorker: (...args) => launch('bench/wire-worker.ts', DOOR, ...args),
      script: (name, ...args) => launch(`bench/${name}`, ...args),
      probe: async (path) => {
        const one = await launch('bench/probe.ts', `http://${LISTEN}${path}`)
        return async () => {
          await one.stop()
          return JSON.parse(one.lines.at(-1) ?? '') as Probed
        }
      },
    })
  } finally {
    for (const one of running.reverse()) await one.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function start(script: string, args: readonly string[], cwd: string): Promise<Running> {
  const child = execa(process.execPath, [join(ROOT, script), ...args], {
    cwd,
    reject: false,
    buffer: false,
    stdin: 'ignore',
  })
  const lines: string[] = []
  // What it says last is why it ended.
  let said = ''
  child.stderr
    .setEncoding('utf8')
    .on('data', (text: string) => (said = (said + text).slice(-1_000)))
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('ready')) resolve()
      else lines.push(line)
    })
    void child.then(({ exitCode }) =>
      reject(new Error(`${script} ${args.join(' ')} ended with ${exitCode}: ${said}`)),
    )
  })
  return {
    pid: child.pid ?? 0,
    lines,
    stop: async () => {
      child.kill('SIGTERM')
      await child
    },
    kill: async () => {
      child.kill('SIGKILL')
      await child
    },
  }
}
