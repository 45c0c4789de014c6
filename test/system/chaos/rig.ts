/** The cluster that is broken: one broker, and everything else dialling it through a link of its own. */
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import type { WorkerView } from '../../../common/protocol/answers.ts'
import { addKey, keyPath, makeBrokerKey } from '../../../common/keys/folder.ts'
import { freePorts } from '../ports.ts'
import { openProxy, type Proxy } from '../proxy.ts'
import { type Daemon, type DaemonHooks, type Kind, supervise } from './daemon.ts'
import { ask } from './http.ts'
import { definitions } from './jobs.ts'

export type Rig = {
  readonly folder: string
  /** Where commands write. */
  readonly log: string
  readonly daemons: readonly Daemon[]
  /** The folder of keys, and the broker's public one. */
  readonly keys: { readonly folder: string; readonly broker_key: string }
  readonly links: ReadonlyMap<string, Proxy>
  readonly urls: ReadonlyMap<string, string>
  stop(): Promise<void>
}

const DIALLING: readonly (readonly [name: string, kind: Exclude<Kind, 'broker'>])[] = [
  ['web1', 'worker'],
  ['web2', 'worker'],
  ['web3', 'worker'],
  ['semaphore1', 'semaphore'],
  ['semaphore2', 'semaphore'],
  ['frontend1', 'frontend'],
  ['frontend2', 'frontend'],
]
/** The broker's doors. */
const DOORS = 3
/** Of a daemon that dials: its link's doors, and a port to listen on. */
const PORTS = DOORS + 1

export async function buildRig(hooks: DaemonHooks): Promise<Rig> {
  const folder = await mkdtemp(join(tmpdir(), 'jobz-chaos-'))
  const jobs = join(folder, 'jobs')
  const log = join(folder, 'outside.log')
  await mkdir(jobs)
  await writeFile(join(jobs, 'jobs.yaml'), definitions(log))
  await writeFile(log, '')
  const keys = makeKeys(join(folder, 'keys'))
  const first = await freePorts(DOORS + PORTS * DIALLING.length)
  const broker = supervise(
    {
      name: 'broker',
      kind: 'broker',
      args: ['broker', '--data', join(folder, 'broker'), '--keys', keys.folder].concat([
        '--bind',
        `tcp://127.0.0.1:${first}`,
      ]),
    },
    folder,
    hooks,
  )
  const links = new Map<string, Proxy>()
  const urls = new Map<string, string>()
  const daemons = [broker]
  for (const [place, [name, kind]] of DIALLING.entries()) {
    const port = first + DOORS + PORTS * place
    const link = await openProxy(port, first)
    links.set(name, link)
    const listen = `127.0.0.1:${port + DOORS}`
    if (kind === 'frontend') urls.set(name, `http://${listen}`)
    const words: Record<Kind, readonly string[]> = {
      broker: [],
      worker: ['--name', name, '--jobs', jobs, '--spool', join(folder, name), '--allow-root'],
      semaphore: ['--jobs', jobs],
      frontend: ['--listen', listen],
    }
    const dials = ['--broker', link.address, '--key', keyPath(keys.folder, name)]
    const args = [kind, ...dials, ...words[kind]]
    daemons.push(supervise({ name, kind, args }, folder, hooks))
  }
  for (const daemon of daemons) await daemon.start()
  await allThere([...urls.values()][0] ?? '')
  return {
    folder,
    log,
    keys,
    daemons,
    links,
    urls,
    stop: async () => {
      // The broker last, so that the others can say goodbye.
      await Promise.all(daemons.slice(1).map((one) => one.stop()))
      await broker.stop()
      await Promise.all([...links.values()].map((link) => link.close()))
    },
  }
}

function makeKeys(folder: string): Rig['keys'] {
  const broker = makeBrokerKey(folder)
  if (broker.kind !== 'key') throw new Error(`no key in ${folder}`)
  const broker_key = broker.key.public_key
  for (const [name, role] of DIALLING) addKey(folder, broker_key, { name, role })
  return { folder, broker_key }
}

/** Until the broker knows all workers: what is for all of them must mean all. */
async function allThere(url: string): Promise<void> {
  const wanted = DIALLING.filter(([, kind]) => kind === 'worker').length
  for (let tries = 0; tries < 100; tries += 1) {
    const told = await ask(`${url}/api/workers`)
    const { workers = [] } = (told?.body ?? {}) as { workers?: WorkerView[] }
    if (workers.filter(({ state }) => state === 'present').length === wanted) return
    await after(100)
  }
  throw new Error('the workers did not come')
}
