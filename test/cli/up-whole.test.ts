/** `jobz up` as it is: real daemons, real signals. The flows themselves are shown by the system tests. */
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { execa } from 'execa'
import { whyTaken } from '../../cli/supervisor/ports.ts'
import { run } from './run.ts'

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))

/** The first of four free ports in a row. */
async function freePorts(): Promise<number> {
  for (;;) {
    const first = 20_000 + Math.floor(Math.random() * 30_000)
    const ports = [first, first + 1, first + 2, first + 3]
    const why = await Promise.all(ports.map((port) => whyTaken({ host: '127.0.0.1', port })))
    if (why.every((one) => one === null)) return first
  }
}

async function startUp(t: ExecutionContext) {
  const folder = mkdtempSync(join(tmpdir(), 'jobz-up-whole-'))
  writeFileSync(join(folder, 'a.yaml'), 'jobs: {hello: {command: [echo, hello]}}\n')
  const port = await freePorts()
  const places = ['--listen', `127.0.0.1:${port}`, '--bind', `tcp://127.0.0.1:${port + 1}`]
  const args = [MAIN, 'up', '--jobs', folder, '--data', join(folder, 'data'), ...places]
  const up = execa(process.execPath, args, { reject: false, buffer: false, timeout: 90_000 })
  // Daemons stop by themselves when `up` is gone, and may need their folder until then.
  t.teardown(async () => {
    up.kill('SIGKILL')
    await up
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  })
  up.stderr.resume()
  const [ready] = (await once(up.stdout, 'data')) as [Buffer]
  t.is(String(ready), `ready up http://127.0.0.1:${port}\n`)
  return { up, port, args, env: { JOBZ_URL: `http://127.0.0.1:${port}` } }
}

/** Fulfilled when what listens there is gone, or was gone already. */
const gone = (port: number): Promise<void> =>
  new Promise((resolve) => {
    connect(port, '127.0.0.1')
      .resume()
      .on('error', () => {})
      .once('close', () => resolve())
  })

test.serial(
  'a job runs, a second one is told that the place is taken, SIGTERM stops all',
  async (t) => {
    const { up, port, args, env } = await startUp(t)
    const started = await run(['start', 'hello', '--wait'], { env })
    t.is(started.code, 0, started.err)
    t.is((await run(['logs', started.out.trim()], { env })).out, 'hello\n')
    const second = await execa(process.execPath, args, { reject: false })
    t.is(second.exitCode, 1)
    t.regex(second.stderr, /is in use, perhaps by another/)
    up.kill('SIGTERM')
    t.is((await up).exitCode, 0)
    for (const one of [port, port + 1, port + 2, port + 3])
      t.is(await whyTaken({ host: '127.0.0.1', port: one }), null)
  },
)

test.serial('killed without a chance to say so, it leaves no daemon behind', async (t) => {
  const { up, port } = await startUp(t)
  const frontend = gone(port)
  up.kill('SIGKILL')
  await up
  await Promise.all([frontend, gone(port + 1), gone(port + 2)])
  t.pass()
})
