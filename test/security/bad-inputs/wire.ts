/** Bad bytes on the wire: on the frontend's socket, and on the broker's two doors. */
import type { RawCase } from './ask.ts'

const head = (line: string, ...headers: string[]): string =>
  [line, 'Host: 127.0.0.1', 'Connection: close', ...headers, '', ''].join('\r\n')

/** What no HTTP client would send. */
export const RAW: readonly RawCase[] = [
  ['no HTTP at all', '\0\u0001\u0002\u0003', 400],
  ['a line that never ends', 'A'.repeat(100_000), 400],
  ['the greeting of another protocol', Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]), 400],
  ['a method that is none', head('FIRE /job_start?job_name=plain HTTP/1.1'), 400],
  ['a version that is none', head('GET /healthz HTTP/9.9'), 400],
  ['no Host', 'GET /job_start?job_name=plain HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
  ['two Hosts', head('GET /healthz HTTP/1.1', 'Host: other'), 400],
  ['UTF-8 as it is in the path', head('GET /job_start?job_name=pläin HTTP/1.1'), 400],
  [
    'a byte that is no UTF-8 in the path',
    Buffer.concat([
      Buffer.from('GET /job_start?job_name='),
      Buffer.from([0xff]),
      Buffer.from(head(' HTTP/1.1')),
    ]),
    400,
  ],
  ['a NUL in the path', head('GET /job_start?job_name=pl\0ain HTTP/1.1'), 400],
  ['a blank in the path', head('GET /job_start?job_name=plain x HTTP/1.1'), 400],
  ['a line break in a header', head('GET /healthz HTTP/1.1', 'X: a\nb\r\0'), 400],
  ['a header without a colon', head('GET /healthz HTTP/1.1', 'nonsense'), 400],
  ['headers of 200,000 bytes', head('GET /healthz HTTP/1.1', `X: ${'x'.repeat(200_000)}`), 431],
  [
    'two lengths that differ',
    head('POST /job_start HTTP/1.1', 'Content-Length: 3', 'Content-Length: 4') + 'abcd',
    400,
  ],
  ['a length below nothing', head('POST /job_start HTTP/1.1', 'Content-Length: -1'), 400],
  [
    'a length and chunks',
    `${head('POST /job_start HTTP/1.1', 'Content-Length: 4', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
    400,
  ],
  [
    'chunks of no number',
    `${head('POST /job_start HTTP/1.1', 'Transfer-Encoding: chunked')}zz\r\n`,
    400,
  ],
  [
    'a chunk of nearly all numbers',
    `${head('POST /job_start HTTP/1.1', 'Transfer-Encoding: chunked')}fffffffffffffffff\r\n`,
    400,
  ],
]

const trigger = { job: 'plain', params: {} }
const report = { task_id: 'x.0', attempt: 1 }
const ended = {
  kind: 'ended',
  ...report,
  exit_code: 0,
  signal: null,
  reason: null,
  message: null,
  started_at_ms: 1,
  finished_at_ms: 2,
  output: {},
  stdout_bytes: 0,
  stderr_bytes: 0,
  error_tail: '',
}

/**
 * One frame for the client door, and the code of the refusal that must come back; null where the frame has no request
 * that could be answered.
 */
export type FrameCase = readonly [
  what: string,
  frame: string | Buffer | readonly (string | Buffer)[],
  code: string | null,
]

const of = (...messages: unknown[]): string => JSON.stringify(messages)

export const CLIENT_FRAMES: readonly FrameCase[] = [
  ['nothing', '', null],
  ['no JSON', 'trigger', null],
  ['bytes that are no UTF-8', Buffer.from([0xff, 0xfe, 0x00]), null],
  ['JSON that is no list', '{"kind":"trigger"}', null],
  ['50,000 brackets', '['.repeat(50_000), null],
  ['10,001 messages', `[${'0,'.repeat(10_000)}0]`, null],
  ['two parts', ['[]', '[]'], null],
  ['messages that are no objects', of(1, null, 'x', [], true), null],
  ['a kind that is none', of({ kind: 'fire', id: 1 }), 'bad_request'],
  ['no kind', of({ id: 1 }), 'bad_request'],
  ['a kind that cannot be made a text', of({ kind: { toString: 1 }, id: 1 }), 'bad_request'],
  ['a kind of an object’s nature', of({ kind: 'constructor', id: 1 }), 'bad_request'],
  ['a message of the other door', of({ kind: 'hello', id: 1 }), 'bad_request'],
  ['no triggers', of({ kind: 'trigger', id: 1, triggers: [] }), 'bad_request'],
  [
    '1,001 triggers',
    of({ kind: 'trigger', id: 1, triggers: Array.from({ length: 1001 }, () => trigger) }),
    'bad_request',
  ],
  ['a trigger that is a text', of({ kind: 'trigger', id: 1, triggers: ['plain'] }), 'bad_request'],
  [
    'a trigger whose parameters are a list',
    of({ kind: 'trigger', id: 1, triggers: [{ job: 'plain', params: [] }] }),
    'bad_request',
  ],
  [
    'a job’s name of 5,000 characters',
    of({ kind: 'trigger', id: 1, triggers: [{ job: 'x'.repeat(5000), params: {} }] }),
    'bad_request',
  ],
  [
    'a priority below nothing',
    of({ kind: 'trigger', id: 1, triggers: [{ ...trigger, priority: -1 }] }),
    'bad_request',
  ],
  [
    'a delay of half a millisecond',
    of({ kind: 'trigger', id: 1, triggers: [{ ...trigger, delay_ms: 0.5 }] }),
    'bad_request',
  ],
  [
    'a protocol from another time',
    of({ kind: 'trigger', id: 1, protocol: 99, triggers: [trigger] }),
    'bad_protocol',
  ],
  ['a cancel of nothing', of({ kind: 'cancel', id: 1 }), 'unknown_run'],
  ['a cancel of no run', of({ kind: 'cancel', id: 1, run_id: 'x' }), 'unknown_run'],
  [
    'an arrival at no semaphore',
    of({
      kind: 'arrive',
      id: 1,
      semaphore: 'x',
      key: 'k',
      run_id: 'r',
      member: 0,
      distinct: null,
      failed: false,
    }),
    'unknown_semaphore',
  ],
  [
    'an arrival of member -1',
    of({
      kind: 'arrive',
      id: 1,
      semaphore: 'both',
      key: 'k',
      run_id: 'r',
      member: -1,
      distinct: null,
      failed: false,
    }),
    'bad_request',
  ],
  [
    'an arrival of member 7',
    of({
      kind: 'arrive',
      id: 1,
      semaphore: 'both',
      key: 'k',
      run_id: 'r',
      member: 7,
      distinct: null,
      failed: false,
    }),
    'unknown_run',
  ],
  [
    'an opening of generation 0',
    of({ kind: 'open', id: 1, semaphore: 'both', key: 'k', generation: 0 }),
    'bad_request',
  ],
  [
    'an opening of no semaphore',
    of({ kind: 'open', id: 1, semaphore: 'x', key: 'k', generation: 1 }),
    'unknown_semaphore',
  ],
  [
    'a place that is none',
    of({ kind: 'place', id: 1, semaphores: [{ name: 'both', after: 'x' }] }),
    'bad_cursor',
  ],
  [
    'a replay from a place that is none',
    of({ kind: 'replay', id: 1, after: '../x', topics: [], limit: 1 }),
    'bad_cursor',
  ],
  [
    'a replay of nothing',
    of({ kind: 'replay', id: 1, after: null, topics: [], limit: 0 }),
    'bad_request',
  ],
  [
    'a question that is none',
    of({ kind: 'query', id: 1, question: { what: 'secrets' } }),
    'bad_request',
  ],
  [
    'runs past all limits',
    of({ kind: 'query', id: 1, question: { what: 'runs', filter: { limit: 1e9 } } }),
    'bad_request',
  ],
  [
    'output before its beginning',
    of({
      kind: 'query',
      id: 1,
      question: { what: 'output', run_id: 'x', stream: 'stdout', offset: -1, limit: 1 },
    }),
    'bad_request',
  ],
  [
    'a worker to be hurt',
    of({ kind: 'worker', id: 1, worker: 'web1', action: 'kill' }),
    'bad_request',
  ],
]

/**
 * Frames for the worker door, from somebody who has no session: the code of the refusal, or the kind of what else must
 * come back.
 */
export const WORKER_FRAMES: readonly FrameCase[] = [
  ['a kind that cannot be made a text', of({ kind: { toString: 1 } }), null],
  ['no JSON', '\0', null],
  ['JSON that is no list', '"hello"', null],
  ['a hello of nothing', of({ kind: 'hello' }), 'bad_hello'],
  ['a hello under a path', of(hello({ name: '../web1' })), 'bad_hello'],
  ['a hello in look-alike letters', of(hello({ name: 'wеb1' })), 'bad_hello'],
  ['a hello under the name of another', of(hello({ name: 'web1' })), 'name_taken'],
  ['a hello from another time', of(hello({ protocol: 99 })), 'bad_protocol'],
  ['a hello with slots below nothing', of(hello({ slots: -1 })), 'bad_hello'],
  ['a report without a session', of(ended), 'hello_again'],
  ['a report under no session', of({ kind: 'session', session: 'x' }, ended), 'hello_again'],
  [
    'a report with an exit code past the last',
    of({ kind: 'session', session: 'x' }, { ...ended, exit_code: 256 }),
    'hello_again',
  ],
  [
    'output under no session',
    of(
      { kind: 'session', session: 'x' },
      { kind: 'output', ...report, stream: 'stdout', offset: 0, data: 'eA==' },
    ),
    'hello_again',
  ],
  [
    'a heartbeat under no session',
    of({ kind: 'session', session: '' }, { kind: 'heartbeat', credit: 1e6 }),
    'hello_again',
  ],
  ['a message of the other door', of({ kind: 'trigger', id: 1, triggers: [trigger] }), null],
]

function hello(wrong: Record<string, unknown>): Record<string, unknown> {
  const right = { protocol: 1, version: '0', name: 'stranger', instance: 'i', slots: 1, credit: 1 }
  return { kind: 'hello', ...right, cards: [], lanes: {}, held: [], reload_error: null, ...wrong }
}
