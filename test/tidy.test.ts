/** The doors between the rooms, kept shut; and the few rules of style that a machine can check. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import test from 'ava'

const ROOT = join(import.meta.dirname, '..')
const PROCESSES = ['broker', 'worker', 'semaphore', 'frontend', 'cli'] as const
const ROOMS = [...PROCESSES, 'common', 'bench', 'test']
/** Rooms whose code must run the same in a simulated world. */
const PURE = /^(broker\/core\/|worker\/core\/|semaphore\/gate\.ts$)/
/** Only here may a process be loaded by another: the command line starts the daemons. */
const STARTS_DAEMONS = 'cli/commands/daemons.ts'

type Import = { readonly target: string; readonly typeOnly: boolean }
type File = { readonly path: string; readonly text: string; readonly imports: readonly Import[] }

const files: readonly File[] = ROOMS.flatMap((room) =>
  readdirSync(join(ROOT, room), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => read(join(room, name))),
)
const byPath = new Map(files.map((file) => [file.path, file]))
const code = files.filter((file) => !file.path.startsWith('test/'))

function read(path: string): File {
  const text = readFileSync(join(ROOT, path), 'utf8')
  const statements =
    /^(?:import|export)\s+(type\s+)?(?:([\w$*\s{},]+?)\s+from\s+)?['"]([^'"\n]+)['"]/gm
  const dynamic = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g
  const found = [...text.matchAll(statements)].map(([, type, names = '', target = '']) => ({
    target: resolve(path, target),
    typeOnly: type !== undefined || /^\{(\s*type\s+[^,}]+,?)+\s*\}\s*$/.test(names),
  }))
  const late = [...text.matchAll(dynamic)].map(([, target = '']) => ({
    target: resolve(path, target),
    typeOnly: false,
  }))
  return { path, text, imports: [...found, ...late] }
}

function resolve(from: string, target: string): string {
  return target.startsWith('.') ? normalize(join(dirname(from), target)) : target
}

const roomOf = (path: string): string => path.split('/')[0] ?? ''

test('processes never import each other', (t) => {
  for (const { path, imports } of code) {
    const room = roomOf(path)
    if (room === 'bench' || path === STARTS_DAEMONS) continue
    const allowed = room === 'common' ? ['common'] : [room, 'common']
    for (const { target } of imports)
      if (ROOMS.includes(roomOf(target)))
        t.true(allowed.includes(roomOf(target)), `${path} imports ${target}`)
  }
})

test('the command line loads nothing of a daemon but its main file', (t) => {
  const { imports } = byPath.get(STARTS_DAEMONS) ?? { imports: [] }
  const daemons = imports.filter(({ target }) =>
    ['broker', 'worker', 'semaphore', 'frontend'].includes(roomOf(target)),
  )
  t.true(daemons.length >= 4)
  for (const { target } of daemons) t.regex(target, /^\w+\/main\.ts$/)
})

test('decisions are pure, and so is everything they call', (t) => {
  const reached = new Set<string>()
  const visit = (path: string, from: string): void => {
    if (reached.has(path)) return
    reached.add(path)
    const file = byPath.get(path)
    if (!file) {
      t.is(path, 'zod', `${from} imports ${path}, and its decisions must be pure`)
      return
    }
    t.notRegex(withoutComments(file.text), IMPURE, path)
    for (const { target, typeOnly } of file.imports) if (!typeOnly) visit(target, path)
  }
  const pure = code.filter(({ path }) => PURE.test(path))
  t.true(pure.length > 20)
  for (const { path } of pure) visit(path, path)
})

/** A clock, chance, or waiting. `new Date(ms)` reads no clock. */
const IMPURE =
  /\bDate\.now\b|\bnew Date\(\)|\bperformance\.|\bMath\.random\b|\bawait\s|\bset(?:Timeout|Interval|Immediate)\b|\bprocess\./

const withoutComments = (text: string): string => text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')

test("the broker's decisions know neither its store nor its doors", (t) => {
  for (const { path, imports } of code.filter((file) => file.path.startsWith('broker/core/')))
    for (const { target } of imports) t.notRegex(target, /^broker\/(?:store|edge|main|turn)/, path)
})

test('common has rooms, and no files of its own', (t) => {
  const loose = readdirSync(join(ROOT, 'common'), { withFileTypes: true }).filter(
    (entry) => !entry.isDirectory(),
  )
  t.deepEqual(
    loose.map(({ name }) => name),
    [],
  )
})

test('files are short, named for what they hold, and say why they exist', (t) => {
  for (const { path, text } of code) {
    const lines = text.split('\n').length - 1
    t.true(lines <= (path.endsWith('/main.ts') ? 60 : 300), `${path} has ${lines} lines`)
    t.notRegex(path, /\/(?:utils?|types?|helpers?|index|misc|common)\.ts$/)
    t.regex(text, /^(?:#!.*\n)?\/\*\*/, `${path} opens with a comment that says why it exists`)
    t.notRegex(text, /^export default\b/m, path)
  }
})
