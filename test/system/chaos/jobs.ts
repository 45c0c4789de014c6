/**
 * What the cluster runs while it is broken: the definitions, and apart from them what an outcome must lead to, by which
 * the checker judges. Every command says in a log outside of jobz when it begins and when it ends, and with which code.
 */

/** What a run's outcome must lead to. */
export type Expected = {
  readonly on_success: readonly string[]
  readonly on_failure: readonly string[]
  /** `retries: 0` with `on_lost: fail`: its command never begins twice. */
  readonly at_most_once: boolean
}

const nothing: Expected = { on_success: [], on_failure: [], at_most_once: false }

/** Parts that one `split` makes. */
export const PARTS: readonly string[] = ['0', '1', '2', '3', '4', '5']

export const EXPECTED: Readonly<Record<string, Expected>> = {
  first: { ...nothing, on_success: ['second'], on_failure: ['tell'] },
  second: { ...nothing, on_success: ['third'], on_failure: ['tell'] },
  third: { ...nothing, on_failure: ['tell'] },
  everywhere: { ...nothing, on_success: ['after_all'], on_failure: ['tell'] },
  after_all: nothing,
  flaky: { ...nothing, on_failure: ['tell'] },
  once: { on_success: [], on_failure: ['tell'], at_most_once: true },
  patient: { ...nothing, on_failure: ['tell'] },
  broken: { ...nothing, on_failure: ['tell'] },
  slow: { ...nothing, on_failure: ['tell'] },
  split: { ...nothing, on_success: PARTS.map(() => 'part') },
  part: nothing,
  join: nothing,
  left: nothing,
  right: nothing,
  met: nothing,
  tell: nothing,
}

/** A gate: all its members (by job, or by job and `source`) must have succeeded before its `then` runs, once a key. */
export type Fan = {
  readonly then: string
  readonly members: readonly { readonly job: string; readonly source?: string }[]
}
export const FANS: readonly Fan[] = [
  { then: 'join', members: PARTS.map((source) => ({ job: 'part', source })) },
  { then: 'met', members: [{ job: 'left' }, { job: 'right' }] },
]

/** The YAML, with every command writing to this file. */
export function definitions(log: string): string {
  const said = '$JOBZ_RUN_ID $JOBZ_ATTEMPT $JOBZ_WORKER'
  const command = (...body: string[]): string =>
    [
      'command: |',
      `      echo "begin ${said}" >> ${log}`,
      ...body.map((line) => `      ${line}`),
      `      echo "end ${said} $code" >> ${log}`,
      '      exit $code',
    ].join('\n')
  const works = command('sleep %(work)s', 'code=0')
  const fails = command('code=3')
  const third = command(
    'sleep %(work)s',
    'if [ "$JOBZ_ATTEMPT" -lt 3 ]; then code=75; else code=0; fi',
  )
  const work = `params: {work: {default: '0.05'}, tag: {}, key: {}, source: {}}`
  const job = (name: string, keys: string, body: string): string =>
    `  ${name}:\n    ${keys.split('\n').join('\n    ')}\n    ${work}\n    ${body}\n`
  return `
defaults: {deliver: one}
jobs:
${job('first', 'on_success: second\non_failure: tell', works)}
${job('second', 'on_success: third\non_failure: tell', works)}
${job('third', 'on_failure: tell', works)}
${job('everywhere', 'deliver: all\noffline: wait 1h\nrequire: all\non_success: after_all\non_failure: tell', works)}
${job('after_all', 'priority: 512', works)}
${job('flaky', 'retries: {limit: 3, backoff: 1s, max_backoff: 2s}\non_failure: tell', third)}
${job('once', 'on_lost: fail\nretries: 0\non_failure: tell', works)}
${job('patient', 'on_lost: wait\non_failure: tell', works)}
${job('broken', 'on_failure: tell', fails)}
${job('slow', 'on_failure: tell', works)}
${job('split', `on_success: {job: part, each: {source: [${PARTS.map((part) => `'${part}'`).join(', ')}]}}`, works)}
${job('part', 'retries: {limit: 5, backoff: 1s, max_backoff: 1s}', works)}
${job('join', 'priority: 100', works)}
${job('left', 'retries: {limit: 5, backoff: 1s, max_backoff: 1s}', works)}
${job('right', 'retries: {limit: 5, backoff: 1s, max_backoff: 1s}', works)}
${job('met', 'priority: 100', works)}
${job('tell', 'priority: 100', works)}
semaphores:
  parts:
    wait_for: [{job: part, count: ${PARTS.length}, distinct: '%(source)s'}]
    key: '%(key)s'
    then: join
  pair: {wait_for: [left, right], key: '%(key)s', then: met}
`
}
