/** What a daemon says: JSON lines for machines, readable and harmless text for a terminal. */
import { Writable } from 'node:stream'
import test from 'ava'
import { jsonLine, readLogLine, textLine } from '../../../common/daemon/log-line.ts'
import { createLog } from '../../../common/daemon/log.ts'
import { printableLine, printableText } from '../../../common/daemon/printable.ts'

function capture(isTTY: boolean): { stream: Writable & { isTTY: boolean }; lines: () => string[] } {
  const chunks: string[] = []
  const writable = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(String(chunk))
      done()
    },
  })
  const stream = Object.assign(writable, { isTTY })
  return { stream, lines: () => chunks.join('').split('\n').slice(0, -1) }
}

// eslint-disable-next-line no-control-regex -- control characters are what it looks for.
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/
const HOSTILE = 'a\u001b[31mred\u001b]0;title\u0007\u009b2Jb\u0000\r\u202ec'

test('writes one JSON object a line: time, level, daemon, message, then the facts', (t) => {
  const { stream, lines } = capture(false)
  const log = createLog('broker', stream, 'info')
  log.info('ready', { port: 6770 })
  log.debug('not shown')
  log.warn('slow\nfsync')
  const [first = '', second = '', ...rest] = lines()
  t.deepEqual(rest, [])
  t.like(JSON.parse(first), { level: 'info', daemon: 'broker', message: 'ready', port: 6770 })
  t.deepEqual(Object.keys(JSON.parse(first)).slice(0, 4), ['time', 'level', 'daemon', 'message'])
  t.is(JSON.parse(second).message, 'slow\nfsync')
})

test('says as much as it is told to', (t) => {
  const { stream, lines } = capture(false)
  const log = createLog('broker', stream, 'debug')
  log.debug('shown')
  createLog('broker', stream, 'nonsense').debug('not shown')
  createLog('broker', stream, 'error').warn('not shown')
  t.is(lines().length, 1)
})

test('facts cannot hide the entry, nor harm with their names', (t) => {
  const facts = JSON.parse('{"level":"x","message":"y","__proto__":{"z":1}}') as object
  const line = jsonLine({
    time: 'T',
    level: 'info',
    daemon: 'd',
    message: 'm',
    facts: { ...facts, circle: undefined },
  })
  t.like(JSON.parse(line), { level: 'info', message: 'm', level_: 'x', message_: 'y' })
})

test('facts that JSON cannot hold are shown all the same', (t) => {
  const circle: Record<string, unknown> = {}
  circle['self'] = circle
  const error = Object.assign(new Error('no disk'), { code: 'ENOSPC' })
  const entry = { time: 'T', level: 'error', daemon: 'd', message: 'm' } as const
  const line = JSON.parse(jsonLine({ ...entry, facts: { circle, big: 12n, error } }))
  t.like(line, { big: '12', error: { message: 'no disk', code: 'ENOSPC' } })
  t.is(typeof line.circle, 'string')
  t.regex(textLine({ ...entry, facts: { error, big: 12n } }), /error="no disk" {2}big="?12"?/)
})

test('no control character reaches a terminal', (t) => {
  const { stream, lines } = capture(true)
  createLog(HOSTILE, stream, 'info').error(`message ${HOSTILE}\nsecond`, { [HOSTILE]: HOSTILE })
  const json = capture(false)
  createLog('d', json.stream, 'info').error(HOSTILE, { fact: HOSTILE })
  t.is(lines().length, 1)
  for (const line of [...lines(), ...json.lines()]) t.notRegex(line, CONTROL)
})

test('text shows the level, the daemon, the message and the facts', (t) => {
  const facts = { worker: 'web17', why: 'two words', none: undefined }
  const time = '2026-11-23T08:00:00.000Z'
  const line = textLine({ time, level: 'warn', daemon: 'broker', message: 'away', facts })
  t.regex(line, /^\d\d:\d\d:\d\d warn {2}broker {4}away {2}worker=web17 {2}why="two words"$/)
})

test('a line is read back as the entry it was', (t) => {
  const entry = {
    time: '2026-11-23T08:00:00.000Z',
    level: 'info',
    daemon: 'worker',
    message: 'ready',
    facts: { slots: 4 },
  } as const
  t.deepEqual(readLogLine(jsonLine(entry)), entry)
  for (const line of ['', 'Error: boom', '{}', '[1]', 'null', '{"time":1}', '{"level":"loud"}'])
    t.is(readLogLine(line), null)
})

test('printable text keeps words, lines and tabs, and loses all that acts', (t) => {
  t.is(printableText('plain\ttext\nüñí 日本 🎉'), 'plain\ttext\nüñí 日本 🎉')
  t.is(printableText(HOSTILE), 'aredbc')
  t.is(printableText('\u001b]8;;http://x\u001b\\link\u001b]8;;\u001b\\'), 'link')
  t.is(printableText('\u001b(0lqk\u001bc'), 'lqk')
  t.is(printableText('a\r\nb\u001b'), 'a\nb')
  t.is(printableLine('a\n\tb'), 'a b')
})

test('a sequence without an end takes no time and does no harm', (t) => {
  const text = `\u001b]${'x'.repeat(200_000)}${'\u001b['.repeat(100_000)}`
  t.notRegex(printableText(text), CONTROL)
})
