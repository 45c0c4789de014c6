/**
 * One secret through every door of real daemons, by every way on: then all that anybody can see is searched for it. It may
 * be where it is stored and where it is used, and nowhere else.
 */
import { randomUUID } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { execa } from 'execa'
import type { SemaphoreView, TriggerAccepted } from '../../common/protocol/answers.ts'
import { makeCluster, type Cluster } from '../system/cluster.ts'
import type { Process } from '../system/launch.ts'

const CLI = join(import.meta.dirname, '../../cli/main.ts')

/** `login` says what is secret, and tells of it in every way that a command has; those after it know nothing of that. */
const YAML = `
jobs:
  login:
    deliver: one
    params: {token: {type: text, secret: true}, day: {}, count: {type: int}}
    command: |
      set -e
      cat /proc/[0-9]*/cmdline 2>/dev/null >> "$SEEN" || :
      printf 'plain %s\\n' %(token)s
      printf %s %(token)s | base64 -w0; printf '\\n'
      printf %s %(token)s | cut -b1-11 | tr -d '\\n'; sleep 0.6; printf %s %(token)s | cut -b12-
      n=0; while [ $n -lt 2000 ]; do printf %s %(token)s; n=$((n + 1)); done
      printf 'failed with %s' %(token)s >&2
      printf 'greeting=hello %s\\nrows=3\\n' %(token)s >> "$JOBZ_OUTPUT"
    env: {SEEN: FOLDER/cmdlines}
    on_success: load
  load:
    deliver: one
    command: |
      cat /proc/[0-9]*/cmdline 2>/dev/null >> "$SEEN" || :
      printf '{"auth": "%s"}\\n' "$JOBZ_P_token"
      printf 'no such user: %s' "$JOBZ_P_token" >&2
      exit 3
    env: {SEEN: FOLDER/cmdlines}
    on_failure: tell
  tell: {deliver: one, on_failure: [], command: 'printf %s %(error_tail)s; printf %s\\\\n "$JOBZ_P_token" >> "$USED"', env: {USED: FOLDER/used-tell}}
  publish: {deliver: one, command: 'printf %s\\\\n "$JOBZ_P_token" >> "$USED"', env: {USED: FOLDER/used-publish}}
semaphores:
  by_day: {wait_for: [login], key: '%(day)s', then: publish, repeat: true}
  by_greeting: {wait_for: [login], key: '%(greeting)s', then: publish}
`

/** What it may look like to whoever looks. */
const formsOf = (secret: string): string[] => [
  secret,
  JSON.stringify(secret).slice(1, -1),
  encodeURIComponent(secret),
  String(new URLSearchParams([['', secret]])).slice(1),
  // All but its last characters, which say something of what comes after it.
  Buffer.from(secret).toString('base64').slice(0, -4),
  secret.slice(0, 30),
  secret.slice(-30),
]

/** Everything that was seen, and by which way. */
function searcher(t: ExecutionContext, secret: string) {
  const forms = formsOf(secret)
  let looked_at = 0
  return {
    look: (where: string, text: string): void => {
      looked_at += 1
      const found = forms.find((form) => text.includes(form))
      t.is(found, undefined, `${where}: ${text.slice(0, 2000)}`)
    },
    looks: () => looked_at,
  }
}

const jobz = (cluster: Cluster, argv: readonly string[], input = '') =>
  execa(process.execPath, [CLI, ...argv, '--url', cluster.url], { input, reject: false })

/** Starts it by every door there is; each waits until its flow has settled. */
async function startEverywhere(cluster: Cluster, token: string): Promise<TriggerAccepted[]> {
  const json = { 'content-type': 'application/json' }
  const query = new URLSearchParams({
    job_name: 'login',
    token,
    day: 'get',
    wait: '60s',
    of: 'flow',
  })
  const body = { job_name: 'login', token, day: 'post', wait: '60s', of: 'flow' }
  const bulk = ['one', 'two'].map((day) => ({ job: 'login', params: { token, day } }))
  const post = (path: string, given: unknown) =>
    cluster.json(path, { method: 'POST', headers: json, body: JSON.stringify(given) })
  const [got, posted, started, typed] = await Promise.all([
    cluster.json(`/job_start?${query.toString()}`),
    post('/job_start', body),
    post('/api/runs', bulk),
    jobz(cluster, ['start', 'login', 'day=cli', '--from-file', 'token=-', '--flow'], `${token}\n`),
  ])
  const both = started as TriggerAccepted[]
  for (const { run_id } of both) await cluster.reached(run_id, 'succeeded')
  const whole = await cluster.run(typed.stdout.trim())
  return [got as TriggerAccepted, posted as TriggerAccepted, ...both, whole as never]
}

test.serial('a secret is where it is stored and used, and nowhere else', async (t) => {
  const secret = `tök "& ${randomUUID()}`
  const { look, looks } = searcher(t, secret)
  const cluster = await makeCluster(t, '')
  await writeFile(cluster.file('jobs/jobs.yaml'), YAML.replaceAll('FOLDER', cluster.folder))
  const daemons: Process[] = [await cluster.broker(), await cluster.worker('web1', '--slots', '4')]
  daemons.push(await cluster.semaphore(), await cluster.frontend())

  const started = await startEverywhere(cluster, secret)
  for (const answer of started) look('an answer to a trigger', JSON.stringify(answer))
  const handled = await until(async () => {
    const runs = await cluster.runs('job=tell&state=succeeded')
    return runs.length === 5 ? runs : null
  })
  const [failed] = await cluster.runs('job=load&state=failed')
  const again = (await cluster.json(`/api/runs/${failed?.run_id}/retry`, {
    method: 'POST',
  })) as TriggerAccepted
  await cluster.reached(again.run_id, 'failed')
  await until(async () =>
    (await cluster.runs('job=tell&state=succeeded')).length === 6 ? 1 : null,
  )
  await until(async () =>
    (await cluster.runs('job=publish&state=succeeded')).length === 5 ? 1 : null,
  )

  for (const name of ['used-tell', 'used-publish']) {
    const used = (await readFile(cluster.file(name), 'utf8')).trimEnd().split('\n')
    t.deepEqual([...new Set(used)], [secret], `${name}: those who need it have it`)
  }
  t.true(handled.every(({ context }) => context['error_tail']?.startsWith('no such user: ****')))
  await lookAtRefusals(cluster, secret, look)
  await lookAtAnswers(cluster, look)
  await lookAtCommandLine(cluster, again.run_id, look)
  await lookAtFiles(cluster, look)
  await showsTheRest(t, cluster, Buffer.byteLength(secret))
  for (const daemon of daemons) look('the log of a daemon', daemon.log())
  t.true(looks() > 100)

  const { semaphores } = (await cluster.json('/api/semaphores')) as { semaphores: SemaphoreView[] }
  const greeting = semaphores.find(({ semaphore }) => semaphore === 'by_greeting')
  t.deepEqual(new Set(greeting?.unkeyed.map(({ missing }) => missing)), new Set(['greeting']))
  t.is(greeting?.unkeyed.length, 5)
})

type Look = (where: string, text: string) => void

async function lookAtRefusals(cluster: Cluster, secret: string, look: Look): Promise<void> {
  const token = encodeURIComponent(secret)
  for (const path of [
    `/job_start?job_name=login&token=${token}&count=${token}`,
    `/job_start?job_name=load&token=${token}`,
    `/job_start?job_name=load&x=${token}&token=${token}`,
    `/job_start?job_name=lgoin&token=${token}`,
    `/api/runs?param.token=${token}`,
    `/api/jobs/login/explain?token=${token}`,
    `/api/jobs/login/explain?token=${token}&count=${token}`,
    `/api/runs?param.greeting=${token}`,
  ])
    look(path.replace(token, '…'), JSON.stringify(await cluster.json(path)))
}

async function lookAtAnswers(cluster: Cluster, look: Look): Promise<void> {
  const text = async (path: string, init?: RequestInit): Promise<string> =>
    (await fetch(cluster.url + path, init)).text()
  for (const path of ['jobs', 'workers', 'semaphores', 'lanes', 'refusals', 'runs?limit=1000'])
    look(path, await text(`/api/${path}`))
  look('metrics', await text('/metrics'))
  for (const { run_id, flow_id, job } of await cluster.runs('')) {
    const ways = [`runs/${run_id}`, `runs/${run_id}/explain`, `flows/${flow_id}`]
    const streams = ['stdout', 'stderr'].map((name) => `runs/${run_id}/output?stream=${name}`)
    for (const path of [...ways, ...streams]) look(`${job} ${path}`, await text(`/api/${path}`))
    const accept = { headers: { accept: 'text/event-stream' } }
    look(`${job} output events`, await text(`/api/runs/${run_id}/output`, accept))
  }
  const events = await fetch(`${cluster.url}/api/events?after=oldest`)
  const seen: string[] = []
  for await (const part of events.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    seen.push(part)
    // The last that happened: publish, after the last login.
    if (seen.join('').split('event: flow').length > 5) break
  }
  look('events', seen.join(''))
}

async function lookAtCommandLine(cluster: Cluster, run_id: string, look: Look): Promise<void> {
  const commands = [
    ['runs'],
    ['show', run_id],
    ['logs', run_id],
    ['explain', run_id],
    ['jobs'],
    ['semaphores'],
  ]
  for (const argv of [...commands, ...commands.map((words) => [...words, '--json'])]) {
    const { stdout, stderr } = await jobz(cluster, argv)
    look(`jobz ${argv.join(' ')}`, `${stdout}${stderr}`)
  }
}

/** The database and the spool have it, for their user alone; the output has it not, nor has any program's command line. */
async function lookAtFiles(cluster: Cluster, look: Look): Promise<void> {
  look('command lines of all programs', await readFile(cluster.file('cmdlines'), 'latin1'))
  const folder = cluster.file('broker/output')
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  for (const { parentPath, name } of files)
    look(`output file ${name}`, await readFile(join(parentPath, name), 'utf8'))
}

/** What is not secret is all there, at its place: and what was searched is what was meant. */
async function showsTheRest(t: ExecutionContext, cluster: Cluster, bytes: number): Promise<void> {
  t.regex(await readFile(cluster.file('cmdlines'), 'latin1'), /main\.ts\0worker\0--name\0web1/)
  const [login] = await cluster.runs('job=login')
  const output = await fetch(`${cluster.url}/api/runs/${login?.run_id}/output?stream=stdout`)
  const [plain, base64, halves, long] = (await output.text()).split('\n')
  const stars = '*'.repeat(bytes)
  t.deepEqual([plain, halves], [`plain ${stars}`, stars])
  t.regex(base64 ?? '', /^\*+.{0,4}$/)
  t.is(long, stars.repeat(2000), 'over the border of a chunk, too')
}

async function until<T>(look: () => Promise<T | null>): Promise<T> {
  for (let left = 600; left > 0; left -= 1) {
    const found = await look()
    if (found !== null) return found
    await new Promise((done) => setTimeout(done, 100))
  }
  throw new Error('it did not come')
}
