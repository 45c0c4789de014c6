/** A worker's own policy: what it takes from the jobs, and that nothing gets around it. */
import { chmodSync, mkdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { readCatalog } from '../../worker/edge/catalog.ts'
import type { Policy } from '../../worker/policy.ts'
import { ALLOW_ALL, objectionTo, placeUnder, readPolicy } from '../../worker/policy.ts'
import { aTask, openBroker } from './fake-broker.ts'
import { jobOf } from './jobs-of.ts'
import { temporaryFolder, withRunner } from './runner/with-runner.ts'
import { logged, openSite } from './with-daemon.ts'

function policyFile(t: ExecutionContext, text: string, mode = 0o644): string {
  const path = join(temporaryFolder(t), 'policy.yaml')
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}
const refusal = (path: string): string => {
  const read = readPolicy(path)
  return read.kind === 'refused' ? read.message : 'read'
}

test('a policy is read strictly, and what it does not say is allowed', (t) => {
  const whole = 'jobs: ["import_*"]\nusers: [self, deploy]\ndirectories: [/srv]'
  t.deepEqual(readPolicy(policyFile(t, whole)), {
    kind: 'checked',
    value: { jobs: ['import_*'], users: ['self', 'deploy'], directories: ['/srv'] },
  })
  t.deepEqual(readPolicy(policyFile(t, '')), { kind: 'checked', value: ALLOW_ALL })
  t.regex(refusal(policyFile(t, 'job: [x]')), /policy\.yaml:1:1: unknown key "job" .*mean jobs/)
  t.regex(refusal(policyFile(t, 'jobs: import_*')), /policy\.yaml:1:7: jobs: must be a list/)
  t.regex(refusal(policyFile(t, 'directories: [srv]')), /must be an absolute path/)
  t.regex(refusal(policyFile(t, 'jobs: [x]', 0o666)), /others may write .*: chmod go-w/)
  t.regex(refusal(join(temporaryFolder(t), 'none')), /there is no policy .*none/)
})

test('names and users are allowed or not', (t) => {
  const policy: Policy = { jobs: ['jo*', 'x'], users: ['deploy'], directories: null }
  const ours = jobOf({ command: 'x' })
  const theirs = jobOf({ command: 'x', user: 'deploy' })
  t.is(objectionTo(ALLOW_ALL, ours), null)
  t.is(objectionTo(policy, theirs), null)
  t.regex(objectionTo(policy, ours) ?? '', /own user, and self is not among its users/)
  t.regex(objectionTo({ ...policy, users: ['self'] }, theirs) ?? '', /runs as deploy, who is not/)
  t.regex(objectionTo({ ...policy, jobs: ['j'] }, theirs) ?? '', /job job is not among its jobs/)
  t.regex(objectionTo({ ...policy, jobs: [] }, theirs) ?? '', /not among its jobs/)
})

test('a directory counts as what it really is', (t) => {
  const root = realpathSync(temporaryFolder(t))
  const allowed = join(root, 'allowed')
  mkdirSync(join(allowed, 'deep'), { recursive: true })
  mkdirSync(join(root, 'allowed-not'))
  symlinkSync(root, join(allowed, 'out'))
  symlinkSync(allowed, join(root, 'in'))
  const policy: Policy = { ...ALLOW_ALL, directories: [join(root, 'in')] }
  for (const [cwd, real] of [
    [allowed, allowed],
    [join(allowed, 'deep'), join(allowed, 'deep')],
    [join(root, 'in', 'deep'), join(allowed, 'deep')],
  ] as const)
    t.deepEqual(placeUnder(policy, cwd), { kind: 'place', cwd: real, exact: true })
  for (const cwd of [root, join(root, 'allowed-not'), join(allowed, 'out'), '/'])
    t.is(placeUnder(policy, cwd).kind, 'outside', cwd)
  t.is(placeUnder({ ...ALLOW_ALL, directories: ['/'] }, root).kind, 'place')
  t.is(placeUnder({ ...ALLOW_ALL, directories: [] }, root).kind, 'outside')
})

test('jobs that the policy leaves out are not offered, and are told with the reason', (t) => {
  const folder = realpathSync(temporaryFolder(t))
  writeFileSync(
    join(folder, 'jobs.yaml'),
    `jobs: {a: {command: x, cwd: ${folder}}, b: {command: x, user: root}, c: {command: x, cwd: /}}`,
  )
  const policy = policyFile(t, `users: [self]\ndirectories: [${folder}]`)
  const read = readCatalog(folder, ['*'], policy)
  if (read.kind === 'refused') return t.fail(read.message)
  t.deepEqual([...read.catalog.jobs.keys()], ['a'])
  const told = `the policy ${policy} leaves out: job b runs as root, who is not among its users; job c: directory / is in none of its directories`
  t.is(read.catalog.left_out, told)
  t.deepEqual(read.warnings, [told])
  writeFileSync(policy, 'job: []')
  t.is(readCatalog(folder, ['*'], policy).kind, 'refused')
})

test('each start is checked again: a link that leads out by now is seen', async (t) => {
  const root = realpathSync(temporaryFolder(t))
  const [allowed, cwd] = [join(root, 'allowed'), join(root, 'allowed', 'cwd')]
  mkdirSync(cwd, { recursive: true })
  const policy = { ...ALLOW_ALL, directories: [allowed] }
  const world = withRunner(t, temporaryFolder(t), { policy: () => policy })
  const job = jobOf({ command: 'pwd', cwd })
  const good = world.start(job)
  t.deepEqual((await world.exited(good)).how, { kind: 'code', exit_code: 0 })
  t.is(world.stdout(good), `${cwd}\n`)
  rmSync(cwd, { recursive: true })
  symlinkSync(root, cwd)
  t.deepEqual((await world.exited(world.start(job))).how, {
    kind: 'not_started',
    message: `the policy of this worker: directory ${cwd} (which is ${root}) is in none of its directories`,
  })
})

test('each start is checked again: the policy as it was read last', async (t) => {
  let policy: Policy = ALLOW_ALL
  const world = withRunner(t, temporaryFolder(t), { policy: () => policy })
  const job = jobOf({ command: 'true' })
  t.deepEqual((await world.exited(world.start(job))).how, { kind: 'code', exit_code: 0 })
  policy = { ...ALLOW_ALL, users: [] }
  const { how } = await world.exited(world.start(job))
  t.regex(how.kind === 'not_started' ? how.message : '', /the policy of this worker: job job runs/)
})

test('a daemon reads its policy with its jobs, at the start and by SIGHUP', async (t) => {
  const broker = await openBroker(t)
  const jobs = { good: { command: 'true', deliver: 'one' }, bad: { command: 'true' } }
  const site = openSite(t, jobs)
  const policy = policyFile(t, 'jobs: [good]')
  const daemon = site.start(broker.address, '--policy', policy)
  const hello = await broker.hear('hello')
  t.deepEqual(
    hello.cards.map(({ job }) => job),
    ['good'],
  )
  t.regex(hello.reload_error ?? '', /leaves out: job bad is not among its jobs/)
  await logged(daemon, 'leaves out')
  await logged(daemon, 'ready')
  const task = aTask('bad', { deliver: 'one' })
  broker.send(task)
  t.like(await broker.ended(task.task_id), { reason: 'unknown_job' })
  writeFileSync(policy, 'jobs: {}')
  daemon.child.kill('SIGHUP')
  const refused = await broker.hear('hello', ({ reload_error }) =>
    /must be a/.test(reload_error ?? ''),
  )
  t.is(refused.cards.length, 1)
  writeFileSync(policy, 'jobs: ["*"]')
  daemon.child.kill('SIGHUP')
  const all = await broker.hear('hello', ({ cards }) => cards.length === 2)
  t.is(all.reload_error, null)
})

test('a policy that cannot be trusted or read keeps the daemon from starting', async (t) => {
  const site = openSite(t, { good: { command: 'true' } })
  for (const [path, words] of [
    [policyFile(t, '', 0o622), /others may write/],
    [join(site.folder, 'none'), /there is no policy/],
  ] as const) {
    const daemon = site.start('tcp://127.0.0.1:9', '--policy', path)
    t.is(await daemon.exitCode(), 2)
    t.regex(daemon.log(), words)
  }
})
