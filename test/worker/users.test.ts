/**
 * Commands of other users, with rights that are real: a root worker with setpriv, and an unprivileged one with sudo. Both
 * need a test that is root; the second also sudo, and the right to mount (in a namespace of its own, so that the rules of
 * this host are not touched). What needs neither is tested in `runner/as-user.test.ts`.
 */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { findAccount } from '../../worker/runner/accounts.ts'
import { COMMAND_PATH } from '../../worker/runner/environment.ts'
import { readProcess } from '../../worker/runner/process-table.ts'
import { findTool } from '../../worker/runner/tools.ts'
import { aTask, openBroker } from './fake-broker.ts'
import { IS_ROOT, OTHER } from './runner/users.ts'
import { until } from './until.ts'
import type { Site } from './with-daemon.ts'
import { logged, openSite } from './with-daemon.ts'

const FAMILY = fileURLToPath(new URL('../fixtures/worker/family.sh', import.meta.url))
const SETPRIV_PROGRAM = findTool('setpriv', { PATH: COMMAND_PATH }) ?? ''
/** Whoever neither runs the worker nor the command. */
const STRANGER = ['--reuid=4242', '--regid=4242', '--clear-groups', '--']
/** Who runs the unprivileged worker. */
const WORKER = findAccount('daemon', { PATH: COMMAND_PATH })
const RULE = `${WORKER?.name} ALL=(${OTHER.name}) NOPASSWD: /bin/sh`

/** Words by which a program has these rules for sudo, in its own view of the host, and runs as the worker's user. */
function withRules(folder: string, rules: string): string[] {
  const file = join(folder, 'sudoers')
  writeFileSync(file, `${rules}\n`)
  chmodSync(file, 0o440)
  const text = 'mount --bind "$1" /etc/sudoers && shift && exec "$@"'
  const becomes = [`--reuid=${WORKER?.uid}`, `--regid=${WORKER?.gid}`, '--clear-groups', '--']
  return ['unshare', '--mount', 'sh', '-c', text, 'sh', file, 'setpriv', ...becomes]
}

/** It also needs this checkout to be readable by those users. */
const HAS_SUDO = ((): boolean => {
  if (!IS_ROOT || WORKER === null || findTool('sudo', { PATH: COMMAND_PATH }) === null) return false
  const folder = mkdtempSync(join(tmpdir(), 'jobz-rules-'))
  try {
    const [program = '', ...words] = withRules(folder, RULE)
    const asks = ['sudo', '-n', '-u', OTHER.name, '--', '/bin/sh', '-c', `test -r '${FAMILY}'`]
    return spawnSync(program, [...words, ...asks]).status === 0
  } finally {
    rmSync(folder, { recursive: true })
  }
})()

type Means = {
  readonly name: string
  readonly can: boolean
  readonly needs: string
  open(t: ExecutionContext, jobs: Readonly<Record<string, unknown>>, rules?: string): Site
}

const SETPRIV: Means = {
  name: 'a root worker, by setpriv',
  can: IS_ROOT,
  needs: 'needs root, and setpriv',
  open: (t, jobs) => reachable(openSite(t, jobs), 0),
}
const SUDO: Means = {
  name: 'an unprivileged worker, by sudo',
  can: HAS_SUDO,
  needs: 'needs root, sudo, and a mount namespace',
  open: (t, jobs, rules = RULE) => {
    const folder = mkdtempSync(join(tmpdir(), 'jobz-rules-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    return reachable(openSite(t, jobs, withRules(folder, rules)), WORKER?.uid ?? 0)
  },
}

/** The worker's own folder, which others may pass through. */
function reachable(site: Site, uid: number): Site {
  chownSync(site.folder, uid, uid)
  chmodSync(site.folder, 0o711)
  return site
}

/** Shown as skipped where its rights are not to be had. */
function testBy(means: Means, title: string, run: (t: ExecutionContext) => Promise<void>): void {
  const whole = `${means.name}: ${title}`
  if (means.can) test.serial(whole, run)
  else test.serial.skip(`${whole} (${means.needs})`, run)
}

const isOver = (pid: number): boolean => {
  const row = readProcess(pid)
  return row === null || row.zombie
}
/** A folder that the command's user may write. */
function ownFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'jobz-other-'))
  chownSync(folder, OTHER.uid, OTHER.gid)
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
const family = (pids: string): Promise<number[]> =>
  until(
    'the family is there',
    () => existsSync(pids) && readFileSync(pids, 'utf8').trim().split('\n').map(Number),
  )

for (const means of [SETPRIV, SUDO]) {
  testBy(means, 'a command is that user, and has nothing of the worker', async (t) => {
    const broker = await openBroker(t)
    const looks = `id -un; id -gn; ls spool 2>&1; cat spool/attempts/1.command 2>&1
      echo "$SECRET" >"$HOME/none" 2>/dev/null; grep NoNewPrivs /proc/self/status
      echo "who=$(id -un)" >"$JOBZ_OUTPUT"; ls -l /proc/self/fd | grep -c attempts; exit 7`
    const env = { SECRET: 'swordfish' }
    const site = means.open(t, {
      look: { command: looks, template: false, deliver: 'one', user: OTHER.name, env, cwd: '..' },
    })
    site.start(broker.address)
    await broker.hear('hello')
    const task = aTask('look')
    broker.send(task)
    const { exit_code, output } = await broker.ended(task.task_id)
    const text = [...broker.output(task.task_id, 'stdout').values()].map(String).join('')
    t.is(exit_code, 7, text)
    t.deepEqual(output, { who: OTHER.name })
    t.regex(text, new RegExp(`^${OTHER.name}\n`))
    t.regex(text, /ls: .*spool.*Permission denied/)
    t.regex(text, /cat: .*Permission denied/)
    if (means === SETPRIV) t.regex(text, /NoNewPrivs:\s+1/)
    // Its own output files, which the keeper opened for it: nothing else of the spool.
    t.regex(text, /\n1\n$/)
  })

  testBy(means, 'only its own user can write its values', async (t) => {
    const broker = await openBroker(t)
    const command = 'echo "$JOBZ_OUTPUT"; until grep -q done "$JOBZ_OUTPUT"; do sleep 0.02; done'
    const site = means.open(t, {
      wait: { command, template: false, deliver: 'one', user: OTHER.name, cwd: '/' },
    })
    site.start(broker.address)
    await broker.hear('hello')
    const task = aTask('wait')
    broker.send(task)
    const { data } = await broker.hear('output')
    const path = Buffer.from(data, 'base64').toString().trim()
    t.regex(path, /^\/proc\/\d+\/fd\/3$/)
    const write = (by: readonly string[]): number | null =>
      spawnSync(SETPRIV_PROGRAM, [...by, 'sh', '-c', `echo done=1 >>'${path}'`]).status
    t.not(write(STRANGER), 0)
    if (means === SUDO) t.not(write([`--reuid=${WORKER?.uid}`, '--clear-groups', '--']), 0)
    t.is(write([`--reuid=${OTHER.uid}`, `--regid=${OTHER.gid}`, '--clear-groups', '--']), 0)
    t.deepEqual((await broker.ended(task.task_id)).output, { done: '1' })
  })

  testBy(means, 'a command outlives a killed daemon, and is reported by the next', async (t) => {
    const broker = await openBroker(t)
    const file = join(ownFolder(t), 'go')
    const command = `echo up; until [ -e '${file}' ]; do sleep 0.02; done; echo late=1 >"$JOBZ_OUTPUT"; exit 6`
    const site = means.open(t, {
      wait: { command, template: false, deliver: 'one', user: OTHER.name, cwd: '/' },
    })
    const first = site.start(broker.address)
    await broker.hear('hello')
    const task = aTask('wait')
    broker.send(task)
    await broker.hear('output')
    await first.end('SIGKILL')
    site.start(broker.address)
    await broker.hear('hello', () => true, 1)
    writeFileSync(file, '')
    const ended = await broker.ended(task.task_id)
    t.like(ended, { exit_code: 6, reason: null, stdout_bytes: 3, output: { late: '1' } })
  })

  testBy(means, 'a timeout reaches all that it started', async (t) => {
    const broker = await openBroker(t)
    const pids = join(ownFolder(t), 'pids')
    const site = means.open(t, {
      slow: {
        command: [FAMILY, pids],
        deliver: 'one',
        user: OTHER.name,
        cwd: '/',
        timeout: '2s',
        kill_after: '200ms',
      },
    })
    site.start(broker.address)
    await broker.hear('hello')
    const task = aTask('slow')
    broker.send(task)
    const all = await family(pids)
    t.is(all.length, 2)
    t.like(await broker.ended(task.task_id), { reason: 'timeout' })
    for (const pid of all) t.true(isOver(pid), `${pid} is still there`)
  })

  testBy(means, 'the daemon after a killed one can stop it', async (t) => {
    const broker = await openBroker(t)
    const pids = join(ownFolder(t), 'pids')
    const site = means.open(t, {
      long: { command: [FAMILY, pids], deliver: 'one', user: OTHER.name, cwd: '/' },
    })
    const first = site.start(broker.address)
    await broker.hear('hello')
    const task = aTask('long')
    broker.send(task)
    const all = await family(pids)
    await first.end('SIGKILL')
    site.start(broker.address)
    await broker.hear('hello', () => true, 1)
    broker.send({ kind: 'stop', task_id: task.task_id, attempt: 1, reason: 'canceled' })
    t.like(await broker.ended(task.task_id), { exit_code: 143, reason: 'canceled' })
    for (const pid of all) t.true(isOver(pid), `${pid} is still there`)
    await until(
      'the spool is empty',
      () => readdirSync(join(site.folder, 'spool', 'attempts')).length === 0,
    )
  })
}

testBy(SUDO, 'without a rule nothing runs, and the rule is told', async (t) => {
  const broker = await openBroker(t)
  const site = SUDO.open(
    t,
    { look: { command: 'true', deliver: 'one', user: OTHER.name } },
    `${WORKER?.name} ALL=(${OTHER.name}) NOPASSWD: /bin/false`,
  )
  site.start(broker.address)
  await broker.hear('hello')
  const task = aTask('look')
  broker.send(task)
  const { reason, exit_code, message } = await broker.ended(task.task_id)
  t.deepEqual([reason, exit_code], ['spawn_failed', null])
  t.true(message?.includes(`must allow it: ${RULE}`), message ?? '')
})

testBy(SETPRIV, 'it says which jobs it runs as root', async (t) => {
  const broker = await openBroker(t)
  const as_other = { command: 'true', user: OTHER.name }
  const daemon = SETPRIV.open(t, { ours: { command: 'true' }, theirs: as_other }).start(
    broker.address,
  )
  await logged(daemon, 'this worker is root, and so are the commands')
  t.regex(daemon.log(), /without `user:`","jobs":\["ours"\]/)
})
