/** A daemon's life, shown by a real process and real signals. */
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { execa } from 'execa'

const TINY = fileURLToPath(new URL('fixtures/tiny-daemon.ts', import.meta.url))

type Life = {
  /** Fulfilled with the first line of standard output or error that has this text. */
  line(text: string): Promise<string>
  kill(signal: NodeJS.Signals): void
  closeInput(): void
  ended: Promise<{ code: number | null; out: string; err: string }>
}

function live(
  t: ExecutionContext,
  args: readonly string[],
  env: Record<string, string> = {},
): Life {
  const subprocess = execa(process.execPath, [TINY, ...args], {
    env: { JOBZ_CONFIG: '', ...env },
    stdin: 'pipe',
    buffer: false,
    reject: false,
    timeout: 20_000,
  })
  t.teardown(() => void subprocess.kill('SIGKILL'))
  const out: string[] = []
  const err: string[] = []
  const heard = new EventTarget()
  const keep = (lines: string[]) => (line: string) => {
    lines.push(line)
    heard.dispatchEvent(new Event('line'))
  }
  createInterface({ input: subprocess.stdout }).on('line', keep(out))
  createInterface({ input: subprocess.stderr }).on('line', keep(err))
  return {
    async line(text) {
      for (;;) {
        const found = [...out, ...err].find((line) => line.includes(text))
        if (found !== undefined) return found
        await once(heard, 'line')
      }
    },
    kill: (signal) => void subprocess.kill(signal),
    closeInput: () => subprocess.stdin.end(),
    ended: (async () => {
      const { exitCode } = await subprocess
      return { code: exitCode ?? null, out: out.join('\n'), err: err.join('\n') }
    })(),
  }
}

for (const signal of ['SIGTERM', 'SIGINT'] as const)
  test.serial(`serves, says ready once, and ends in order by ${signal}`, async (t) => {
    const daemon = live(t, ['--slots', '7'])
    t.is(await daemon.line('ready '), 'ready tiny slots=7')
    daemon.kill(signal)
    const { code, out } = await daemon.ended
    t.is(code, 0)
    t.is(out, 'ready tiny slots=7\nstopped in order')
  })

test.serial('SIGHUP reloads and goes on', async (t) => {
  const daemon = live(t, [])
  await daemon.line('ready ')
  daemon.kill('SIGHUP')
  await daemon.line('reloaded')
  daemon.kill('SIGTERM')
  t.is((await daemon.ended).code, 0)
})

test.serial('a second signal ends it at once', async (t) => {
  const daemon = live(t, ['--mode', 'hang'])
  await daemon.line('ready ')
  daemon.kill('SIGTERM')
  await daemon.line('stopping')
  daemon.kill('SIGTERM')
  t.is((await daemon.ended).code, 1)
})

test.serial('a stop that takes too long is ended', async (t) => {
  const daemon = live(t, ['--mode', 'hang'])
  await daemon.line('ready ')
  daemon.kill('SIGTERM')
  const { code, err } = await daemon.ended
  t.is(code, 1)
  t.regex(err, /did not stop in time/)
})

test.serial('a signal before it serves ends it without a word of ready', async (t) => {
  const daemon = live(t, ['--mode', 'wait'])
  await daemon.line('waiting')
  daemon.kill('SIGTERM')
  const { code, out } = await daemon.ended
  t.is(code, 0)
  t.is(out, '')
})

test.serial('it stops in order when its supervisor is gone', async (t) => {
  const daemon = live(t, [], { JOBZ_STOP_WITH_INPUT: '1' })
  await daemon.line('ready ')
  daemon.closeInput()
  const { code, out } = await daemon.ended
  t.is(code, 0)
  t.regex(out, /stopped in order/)
})

test.serial('the end of its input means nothing to a daemon without a supervisor', async (t) => {
  const daemon = live(t, [])
  await daemon.line('ready ')
  daemon.closeInput()
  daemon.kill('SIGHUP')
  await daemon.line('reloaded')
  daemon.kill('SIGTERM')
  t.is((await daemon.ended).code, 0)
})

const ENDS: readonly [string, number, RegExp][] = [
  ['refuse', 2, /the name is taken/],
  ['throw', 1, /no disk/],
  ['crash', 1, /boom/],
  ['fail', 1, /commit failed/],
  ['finish', 7, /its work is done/],
]
for (const [mode, exit_code, said] of ENDS)
  test.serial(`mode ${mode} ends with ${exit_code} and says why`, async (t) => {
    const { code, err } = await live(t, ['--mode', mode]).ended
    t.is(code, exit_code)
    t.regex(err, said)
  })

test.serial('--help prints the table, a mistake is told with what to type', async (t) => {
  const help = await live(t, ['--help']).ended
  t.is(help.code, 0)
  t.regex(help.out, /--slots COUNT .*JOBZ_SLOTS; 4/)
  const mistake = await live(t, ['--slot', '3']).ended
  t.is(mistake.code, 2)
  t.regex(mistake.err, /unknown flag --slot\n.*did you mean --slots\?/)
  t.is(mistake.out, '')
})
