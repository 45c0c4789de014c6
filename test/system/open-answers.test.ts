/**
 * Answers that stand open while daemons are replaced: waits, followed output and event streams outlive the broker; a frontend
 * that stops ends them with what is known, and the next one goes on from there.
 */
import { appendFile, writeFile } from 'node:fs/promises'
import test, { type ExecutionContext } from 'ava'
import type { RunView } from '../../common/protocol/answers.ts'
import { type Cluster, makeCluster } from './cluster.ts'
import { begun, openOutside, outsideLine, until } from './outside-log.ts'

const yaml = (folder: string): string => `
jobs:
  talk:
    deliver: one
    command: |
      set -e
      echo first
      ${outsideLine(folder, 'begin')}
      until [ -e ${folder}/go ]; do sleep 0.1; done
      echo second
`

/** A run that is waited for, one that is followed, and somebody who hears of both. */
async function begin(t: ExecutionContext) {
  const cluster = await makeCluster(t, '')
  await writeFile(cluster.file('jobs/jobs.yaml'), yaml(cluster.folder))
  await openOutside(cluster)
  const broker = await cluster.broker()
  await cluster.worker()
  const frontend = await cluster.frontend()
  const events = hearEvents(cluster)
  t.teardown(events.stop)
  const waited = fetch(`${cluster.url}/job_start?job_name=talk&wait=10m&request_id=waited`)
  const followed = await fetch(`${cluster.url}/job_start?job_name=talk&follow=1`)
  await until('both runs', async () => (await cluster.runs('state=running')).length === 2)
  const run_ids = (await cluster.runs('job=talk')).map(({ run_id }) => run_id)
  for (const run_id of run_ids) await begun(cluster, run_id, 1)
  const text = readAll(followed)
  await text.until('first')
  return { cluster, broker, frontend, events, waited, text, run_ids }
}

/** Follows the events as a browser does: from the last id that was heard, as often as the stream ends. */
function hearEvents(cluster: Cluster) {
  const heard: string[] = []
  const leaving = new AbortController()
  let last: string | null = null
  let tell = (): void => undefined
  const read = async (): Promise<void> => {
    const headers: Record<string, string> = last === null ? {} : { 'Last-Event-ID': last }
    const url = `${cluster.url}/api/events?topics=run.succeeded`
    const response = await fetch(url, { headers, signal: leaving.signal })
    let rest = ''
    for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const events = (rest + piece).split('\n\n')
      rest = events.pop() ?? ''
      for (const event of events) {
        last = /^id: (.*)$/m.exec(event)?.[1] ?? last
        const run_id = /"run_id":"([^"]*)"/.exec(event)?.[1]
        if (run_id) heard.push(run_id)
      }
      tell()
    }
  }
  const follow = async (): Promise<void> => {
    while (!leaving.signal.aborted) {
      await read().catch(() => undefined)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  void follow()
  return {
    heard,
    stop: () => leaving.abort(),
    until: (count: number): Promise<void> =>
      new Promise((resolve) => {
        tell = () => {
          if (heard.length >= count) resolve()
        }
        tell()
      }),
  }
}

test.serial('they outlive a restart of the broker', async (t) => {
  const { cluster, broker, events, waited, text, run_ids } = await begin(t)
  broker.kill('SIGTERM')
  t.is(await broker.ended, 0)
  await cluster.broker()
  await appendFile(cluster.file('go'), '')
  const answer = await waited
  t.is(answer.status, 200)
  t.is(((await answer.json()) as RunView).state, 'succeeded')
  t.is(await text.all, 'first\nsecond\n')
  await events.until(2)
  t.deepEqual(events.heard.toSorted(), run_ids.toSorted())
})

test.serial('a frontend that stops ends them with what is known', async (t) => {
  const { cluster, frontend, events, waited, text, run_ids } = await begin(t)
  frontend.kill('SIGTERM')
  const answer = await waited
  t.is(answer.status, 202)
  const { run_id, state } = (await answer.json()) as RunView
  t.is(state, 'running')
  t.regex(
    await text.all,
    /^first\njobz: this frontend is stopping; run \S+ goes on.*\n<broken off>$/,
  )
  t.is(await frontend.ended, 0, frontend.log())
  await cluster.frontend()
  const again = fetch(`${cluster.url}/job_start?job_name=talk&wait=10m&request_id=waited`)
  await appendFile(cluster.file('go'), '')
  const second = await again
  t.is(second.status, 200)
  t.like(await second.json(), { run_id, state: 'succeeded', duplicate: true })
  await events.until(2)
  t.deepEqual(events.heard.toSorted(), run_ids.toSorted())
})

/** Reads a body as it comes; `all` says at its end whether it came whole. */
function readAll(response: Response) {
  let text = ''
  let tell = (): void => undefined
  const read = async (): Promise<string> => {
    try {
      for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        text += piece
        tell()
      }
    } catch {
      return `${text}<broken off>`
    }
    return text
  }
  return {
    all: read(),
    until: (word: string): Promise<void> =>
      new Promise((resolve) => {
        tell = () => {
          if (text.includes(word)) resolve()
        }
        tell()
      }),
  }
}
