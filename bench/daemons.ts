/** Daemons for a benchmark: real ones, on loopback, in a folder that is removed after it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { execa } from 'execa'
import { addKey, keyPath, makeBrokerKey } from '../common/keys/folder.ts'
import type { DaemonKey } from '../common/keys/key-file.ts'
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
  /** A client's, where the broker has keys. */
  readonly key: DaemonKey | null
  readonly broker: (...more: string[]) => Promise<Running>
  readonly frontend: () => Promise<Running>
  readonly worker: (jobs: string, slots: number) => Promise<Running>
  readonly semaphore: (jobs: string) => Promise<Running>
  /** A worker on the wire: `node bench/wire-worker.ts`. */
  readonly wireWorker: (credit: string, mode?: string) => Promise<Running>
  /** Any other script of this folder that says `ready`. */
  readonly script: (name: string, ...args: string[]) => Promise<Running>
  /** Asks the frontend for a path every 50 ms until it is stopped; then, how long the answers took. */
  readonly probe: (path: string) => Promise<() => Promise<Probed>>
}

export type Probed = { readonly times: number[]; readonly failed: number }

/** Gives a benchmark its daemons, and ends them with it, whatever happens. With keys, for broker, wire worker and client. */
export async function withDaemons<T>(
  run: (bench: Bench) => Promise<T>,
  how: { readonly keyed: boolean } = { keyed: false },
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'jobz-bench-'))
  const keys = how.keyed ? makeKeys(join(folder, 'keys')) : null
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
      key: keys?.client ?? null,
      broker: (...more) =>
        jobz(
          'broker',
          '--data',
          join(folder, 'broker'),
          '--bind',
          DOOR,
          ...(keys === null ? [] : ['--keys', keys.folder]),
          ...more,
        ),
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
      wireWorker: (credit, mode = '') =>
        launch('bench/wire-worker.ts', DOOR, credit, mode, keys?.worker ?? ''),
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

function makeKeys(folder: string): { folder: string; worker: string; client: DaemonKey } {
  const broker = makeBrokerKey(folder)
  if (broker.kind !== 'key') throw new Error(`no key in ${folder}`)
  const { public_key } = broker.key
  addKey(folder, public_key, { name: 'bench', role: 'worker' })
  const client = addKey(folder, public_key, { name: 'client', role: 'frontend' })
  return { folder, worker: keyPath(folder, 'bench'), client }
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
