/** Daemons under supervision, shown with real processes. */
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { supervise } from '../../../cli/supervisor/supervise.ts'
import type { Supervised } from '../../../cli/supervisor/supervise.ts'

const DAEMON = fileURLToPath(new URL('../fixtures/daemon.ts', import.meta.url))
const TIMING = {
  ready_limit_ms: 20_000,
  stop_limit_ms: 10_000,
  backoff_ms: 1,
  most_backoff_ms: 10,
  steady_ms: 60_000,
}

type Scene = {
  readonly start: (timing?: Partial<typeof TIMING>, signal?: AbortSignal) => Promise<Supervised>
  /** What the daemons wrote of their lives, without process ids. */
  readonly life: () => string[]
  readonly pidOf: (name: string) => number
  /** Fulfilled when it is said that `name ready`, `name line …` or `name died …`. */
  readonly said: (what: string) => Promise<void>
}

function scene(t: ExecutionContext, ...daemons: (readonly [string, string])[]): Scene {
  const folder = mkdtempSync(join(tmpdir(), 'jobz-supervise-'))
  const file = join(folder, 'life')
  const said: string[] = []
  const heard = new EventTarget()
  const say = (what: string): void => {
    said.push(what)
    heard.dispatchEvent(new Event('said'))
  }
  const hooks = (name: string) => ({
    onLine: (line: string) => say(`${name} line ${line}`),
    onReady: () => say(`${name} ready`),
    onDeath: (how: string) => say(`${name} died ${how}`),
  })
  const lines = (): string[] => readFileSync(file, 'utf8').trimEnd().split('\n')
  t.teardown(() => rmSync(folder, { recursive: true }))
  return {
    async start(timing, signal = new AbortController().signal) {
      const specs = daemons.map(([name, how]) => {
        return { name, file: DAEMON, args: [name, file, how], env: {} }
      })
      const supervised = await supervise(specs, hooks, signal, { ...TIMING, ...timing })
      t.teardown(() => supervised.kind === 'up' && supervised.stop())
      return supervised
    },
    life: () => lines().map((line) => line.replace(/ \d+$/, '')),
    pidOf: (name) =>
      Number(
        lines()
          .findLast((line) => line.startsWith(`${name} started`))
          ?.split(' ')[2],
      ),
    async said(what) {
      for (;;) {
        const at = said.findIndex((one) => one.startsWith(what))
        if (at >= 0) return void said.splice(0, at + 1)
        await once(heard, 'said')
      }
    },
  }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test.serial('starts in order, and stops the other way round', async (t) => {
  const { start, life } = scene(t, ['broker', 'serve'], ['worker', 'serve'], ['frontend', 'serve'])
  const up = await start()
  if (up.kind !== 'up') return t.fail(up.how)
  t.deepEqual(life(), ['broker started', 'worker started', 'frontend started'])
  await up.stop()
  await up.stop()
  t.deepEqual(life().slice(3), ['frontend stopped', 'worker stopped', 'broker stopped'])
})

test.serial('who dies is started again, and still stopped in the end', async (t) => {
  const { start, life, pidOf, said } = scene(t, ['broker', 'serve'], ['worker', 'serve'])
  const up = await start()
  if (up.kind !== 'up') return t.fail(up.how)
  const first = pidOf('broker')
  process.kill(first, 'SIGKILL')
  await said('broker died was ended by SIGKILL')
  await said('broker ready')
  t.not(pidOf('broker'), first)
  t.true(isAlive(pidOf('worker')))
  const pid = pidOf('broker')
  await up.stop()
  t.false(isAlive(pid))
  t.is(life().at(-1), 'broker stopped')
})

test.serial('who does not hear SIGTERM is killed', async (t) => {
  const { start, pidOf, life } = scene(t, ['worker', 'deaf'])
  const up = await start({ stop_limit_ms: 200 })
  if (up.kind !== 'up') return t.fail(up.how)
  await up.stop()
  t.is(life().at(-1), 'worker deaf')
  t.false(isAlive(pidOf('worker')))
})

test.serial('one that dies at its start takes those before it down, and says how', async (t) => {
  const { start, life, said } = scene(t, ['broker', 'serve'], ['worker', 'die'], ['late', 'serve'])
  const down = await start()
  t.like(down, { kind: 'down', name: 'worker', how: 'ended with code 3' })
  t.deepEqual(life(), ['broker started', 'worker started', 'broker stopped'])
  await said('worker line no disk')
})

test.serial('one that never serves is given up', async (t) => {
  const { start, pidOf } = scene(t, ['worker', 'never-ready'])
  const down = await start({ ready_limit_ms: 500 })
  t.like(down, { kind: 'down', how: 'did not become ready in time' })
  t.false(isAlive(pidOf('worker')))
})

test.serial('told to stop while it starts, it stops', async (t) => {
  const told = new AbortController()
  const { start, said, life } = scene(t, ['broker', 'serve'], ['worker', 'never-ready'])
  const starting = start({}, told.signal)
  await said('broker ready')
  told.abort()
  t.is((await starting).kind, 'down')
  t.is(life().at(-1), 'broker stopped')
})

test.serial('SIGHUP goes to whom it is sent', async (t) => {
  const { start, said } = scene(t, ['broker', 'serve'], ['worker', 'serve'])
  const up = await start()
  if (up.kind !== 'up') return t.fail(up.how)
  up.children[1]?.signal('SIGHUP')
  await said('worker line worker reloaded')
  await up.stop()
  t.pass()
})
