/** The spool's files: who may use them, and what is kept of them. */
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { lockSpool } from '../../../worker/runner/lock.ts'
import { punchHole } from '../../../worker/runner/outputs.ts'
import { identify } from '../../../worker/runner/process-table.ts'
import { prepareSpool, readInstance } from '../../../worker/runner/spool-folder.ts'
import { openSpool } from '../../../worker/runner/spool.ts'
import { spoolAt, temporaryFolder } from './with-runner.ts'

const task = (n: number): Parameters<ReturnType<typeof openSpool>['spool']['keep']>[1] => ({
  task_id: `run.${n}`,
  attempt: 1,
  run_id: 'run',
  flow_id: 'run',
  job: 'job',
  params: { constructor: 'x', text: `'"\n` },
  context: {},
})

test('a lock holds as long as its process lives', (t) => {
  const folder = temporaryFolder(t)
  const lock = lockSpool(folder)
  t.is(lock.kind, 'locked')
  t.deepEqual(lockSpool(folder), { kind: 'held', pid: process.pid })
  if (lock.kind === 'locked') lock.release()
  t.is(lockSpool(folder).kind, 'locked')
})

for (const [whose, text] of [
  ['of a process that is gone', JSON.stringify({ ...identify(process.pid), pid: 2 ** 22 + 1 })],
  [
    'of an earlier process with the same pid',
    JSON.stringify({ ...identify(process.pid), start_ticks: 1 }),
  ],
  ['of an earlier boot', JSON.stringify({ ...identify(process.pid), boot_id: 'before' })],
  ['that is not whole', '{"pid": 1'],
] as const)
  test(`a lock ${whose} holds nothing`, (t) => {
    const folder = temporaryFolder(t)
    writeFileSync(join(folder, 'lock'), text)
    t.is(lockSpool(folder).kind, 'locked')
    t.deepEqual(JSON.parse(readFileSync(join(folder, 'lock'), 'utf8')), identify(process.pid))
    t.deepEqual(readdirSync(folder), ['lock'])
  })

test('what is kept is there for the next, in order, and for no other user', (t) => {
  const root = spoolAt(temporaryFolder(t))
  const { spool } = openSpool(root)
  for (const n of [1, 2, 3]) spool.keep(`run.${n}#1`, task(n))
  spool.forget('run.2#1')
  spool.noteStop('run.3#1', 'timeout')
  t.is(statSync(join(root, 'attempts')).mode & 0o077, 0)
  const next = openSpool(root)
  t.deepEqual(next.stored, [
    { task: task(1), stop: null, header: null },
    { task: task(3), stop: 'timeout', header: null },
  ])
  // A number is not used again, even when its record is gone.
  next.spool.keep('run.4#1', task(4))
  t.is(next.spool.entryOf('run.4#1'), '4')
  for (const key of ['run.1#1', 'run.3#1', 'run.4#1']) next.spool.forget(key)
  t.deepEqual(readdirSync(join(root, 'attempts')), [])
})

test('what nobody accepted is swept away', (t) => {
  const root = spoolAt(temporaryFolder(t))
  const attempts = join(root, 'attempts')
  for (const file of ['7.stdout', '8.task', '9.task', 'strange'])
    writeFileSync(join(attempts, file), '{}')
  writeFileSync(join(attempts, '9.task'), JSON.stringify({ ...task(1), attempt: 'x' }))
  t.deepEqual(openSpool(root).stored, [])
  t.deepEqual(readdirSync(attempts), [])
})

test('an instance is as old as its spool', (t) => {
  const root = spoolAt(temporaryFolder(t))
  const instance = readInstance(root)
  t.is(readInstance(root), instance)
  writeFileSync(join(root, 'instance'), 'damaged')
  t.not(readInstance(root), instance)
})

test('the middle of a file goes from the disk, and its offsets stay', async (t) => {
  const path = join(temporaryFolder(t), 'long')
  writeFileSync(path, Buffer.alloc(4 * 1024 * 1024, 'x'))
  const before = statSync(path).blocks
  const failure = await punchHole(path, 1024 * 1024, 3 * 1024 * 1024)
  if (failure !== null) {
    // Some filesystems cannot, and then the file stays whole.
    t.is(statSync(path).blocks, before)
    return
  }
  t.true(statSync(path).blocks < before)
  t.is(statSync(path).size, 4 * 1024 * 1024)
  t.true(existsSync(path))
  const text = readFileSync(path)
  t.is(text[1024 * 1024 - 1], 'x'.charCodeAt(0))
  t.is(text[1024 * 1024], 0)
})

test('what another version of the daemon wrote is read as far as it is known', (t) => {
  const root = spoolAt(temporaryFolder(t))
  const { spool } = openSpool(root)
  spool.keep('run.1#1', task(1))
  const limits = { timeout_ms: null, kill_after_ms: 1, output_limit_bytes: 1 }
  const keeper = identify(process.pid)
  const header = { keeper, started_at_ms: 5, limits }
  const newer = { ...header, cgroup: '/x', limits: { ...limits, memory_bytes: 1 } }
  const write = (file: string, text: string): void =>
    writeFileSync(join(root, 'attempts', `1.${file}`), text)
  write('task', JSON.stringify({ ...task(1), priority: 5, trace: { id: 'x' } }))
  write('command', `# ${JSON.stringify(newer)}\ntrue\n`)
  write('stop', 'superseded')
  t.deepEqual(openSpool(root).stored, [{ task: task(1), stop: 'canceled', header }])
})

test('a spool that others may use is refused, and what to do is said', (t) => {
  const root = spoolAt(temporaryFolder(t))
  const attempts = join(root, 'attempts')
  const NOT: readonly (readonly [folder: string, modes: number[], chmod: string])[] = [
    [root, [0o777, 0o720, 0o702], 'go-w'],
    [attempts, [0o755, 0o710, 0o701], '700'],
  ]
  for (const [folder, modes, chmod] of NOT)
    for (const mode of modes) {
      chmodSync(folder, mode)
      t.deepEqual(prepareSpool(root), {
        kind: 'refused',
        message: `others may use the spool ${folder} (mode 0${mode.toString(8)}): chmod ${chmod} ${folder}`,
      })
      chmodSync(folder, 0o700)
    }
  // One that was made beforehand, as folders are made: what is in it is private.
  chmodSync(root, 0o755)
  t.is(spoolAt(root), root)
})

test('a script is for whoever is to run it, also for one of the worker’s own group', (t) => {
  const { spool } = openSpool(spoolAt(temporaryFolder(t)))
  spool.keep('run.1#1', task(1))
  const entry = spool.entryOf('run.1#1') ?? ''
  spool.writeScript(entry, 'text')
  // The bits of its group count for those who are in it, and not the bits of others.
  t.is(statSync(spool.pathOf(entry, 'output')).mode & 0o777, 0o666)
  t.is(statSync(spool.folder).mode & 0o077, 0)
})
