/** `jobz up`: everything on this machine. Starts the four daemons in order and keeps them up. */
import { statSync } from 'node:fs'
import { extname, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { brokerAddresses } from '../../common/link/address.ts'
import type { Log } from '../../common/daemon/log.ts'
import type { Daemon, Refused } from '../../common/daemon/run.ts'
import type { Common, SettingsOf, SettingsTable } from '../../common/daemon/settings.ts'
import type { ChildHooks, ChildSpec } from '../supervisor/child.ts'
import { makeOwnKeys, type OwnKeys } from '../supervisor/own-keys.ts'
import { logLines } from '../supervisor/log-lines.ts'
import { dialled, readPlace, whyTaken } from '../supervisor/ports.ts'
import type { Place } from '../supervisor/ports.ts'
import { stopLimit, supervise } from '../supervisor/supervise.ts'

export const UP_SETTINGS = [
  {
    flag: 'jobs',
    env: 'JOBZ_JOBS',
    kind: 'text',
    default: 'jobs',
    help: 'the folder of definitions',
  },
  {
    flag: 'data',
    env: 'JOBZ_DATA',
    kind: 'text',
    default: '.jobz',
    help: "where the broker's and the worker's data are kept",
  },
  {
    flag: 'listen',
    env: 'JOBZ_LISTEN',
    kind: 'text',
    default: '127.0.0.1:6769',
    help: 'where HTTP is served',
  },
  {
    flag: 'bind',
    env: 'JOBZ_BIND',
    kind: 'text',
    default: 'tcp://127.0.0.1:6770',
    help: "the broker's worker door; the two ports after it are taken too",
  },
  {
    flag: 'slots',
    env: 'JOBZ_SLOTS',
    kind: 'count',
    default: 4,
    help: 'how many commands run at once',
  },
] as const satisfies SettingsTable

export type UpSettings = SettingsOf<typeof UP_SETTINGS> & Common

export async function startUp(
  settings: UpSettings,
  log: Log,
  signal: AbortSignal,
  env: Readonly<Record<string, string>> = {},
): Promise<Daemon | Refused> {
  const places = readPlaces(settings)
  if ('kind' in places) return places
  const problem = missingJobs(settings.jobs) ?? (await takenPlaces(places, settings))
  if (problem) return problem
  const keys = makeOwnKeys(join(settings.data, 'keys'))
  if (keys.kind === 'refused') return refused(keys.message, 2)
  if (process.getuid?.() === 0)
    log.warn('commands will run as root: fine for trying things, not for a server')
  const lines = logLines(process.stderr)
  const hooksOf = (name: string): ChildHooks => ({
    onLine: (line) => lines.take(name, line),
    onReady: (line) => log.debug(`${name} is ready`, { line }),
    onDeath: (how, again_ms) => log.warn(`${name} ${how}: it is started again`, { again_ms }),
  })
  const up = await supervise(specsFor(settings, places, keys, env), hooksOf, signal)
  if (up.kind === 'down')
    return refused(`${up.name} ${up.how}${lines.lastError(up.name)}`, signal.aborted ? 0 : 1)
  return {
    ready: `up ${urlOf(places.listen)}`,
    stop: () => up.stop(),
    reload: () => {
      for (const child of up.children) if (child.name !== 'broker') child.signal('SIGHUP')
    },
    stop_limit_ms: stopLimit(up.children.length),
  }
}

type Places = { readonly listen: Place; readonly bind: Place }

export const urlOf = ({ host, port }: Place): string => `http://${dialled(host)}:${port}`

const refused = (message: string, exit_code: number): Refused => ({
  kind: 'refused',
  message,
  exit_code,
})

export function readPlaces(settings: Pick<UpSettings, 'listen' | 'bind'>): Places | Refused {
  const listen = readPlace(settings.listen)
  if (!listen) return refused(`--listen ${settings.listen}: expected HOST:PORT`, 2)
  const bind = readPlace(settings.bind.replace(/^tcp:\/\//, ''))
  if (!bind || brokerAddresses(settings.bind) === null)
    return refused(`--bind ${settings.bind}: expected tcp://HOST:PORT`, 2)
  return { listen, bind }
}

function missingJobs(jobs: string): Refused | null {
  if (statSync(jobs, { throwIfNoEntry: false })?.isDirectory()) return null
  return refused(`there is no folder ${jobs}: make one with job files, or name it with --jobs`, 2)
}

async function takenPlaces(
  { listen, bind }: Places,
  settings: UpSettings,
): Promise<Refused | null> {
  const doors = [0, 1, 2].map((offset) => ({ host: bind.host, port: bind.port + offset }))
  const wanted = [
    { place: listen, flag: '--listen', example: `${listen.host}:${listen.port + 10}` },
    ...doors.map((place) => ({
      place,
      flag: '--bind',
      example: settings.bind.replace(/\d+$/, String(bind.port + 10)),
    })),
  ]
  for (const { place, flag, example } of wanted) {
    const why = await whyTaken(place)
    if (why === null) continue
    const where = `${place.host}:${place.port}`
    if (why !== 'EADDRINUSE') return refused(`cannot listen at ${where} (${why}): see ${flag}`, 1)
    return refused(
      `${where} is in use, perhaps by another \`jobz up\`: stop that one, or choose another place with ${flag} ${example} (and another --data)`,
      1,
    )
  }
  return null
}

/** In the order of starting. From source and from `dist` alike, the program is the command line's own main file. */
function specsFor(
  settings: UpSettings,
  { listen, bind }: Places,
  keys: OwnKeys,
  env: Readonly<Record<string, string>>,
): ChildSpec[] {
  const { jobs, data, slots, config } = settings
  const file = fileURLToPath(new URL(`../main${extname(import.meta.url)}`, import.meta.url))
  const broker = `tcp://${dialled(bind.host)}:${bind.port}`
  const root = process.getuid?.() === 0 ? ['--allow-root'] : []
  const folders = ['--jobs', jobs, '--spool', join(data, 'worker')]
  const places = ['--broker', broker, '--url', urlOf(listen), '--slots', String(slots)]
  const words: readonly (readonly [string, readonly string[]])[] = [
    ['broker', ['--data', join(data, 'broker'), '--bind', settings.bind, '--keys', keys.folder]],
    ['worker', [...folders, ...places, ...root, '--key', keys.worker]],
    ['semaphore', ['--jobs', jobs, '--broker', broker, '--key', keys.semaphore]],
    ['frontend', ['--listen', settings.listen, '--broker', broker, '--key', keys.frontend]],
  ]
  const shared = config === undefined ? [] : ['--config', config]
  return words.map(([name, args]) => ({ name, file, args: [name, ...args, ...shared], env }))
}
