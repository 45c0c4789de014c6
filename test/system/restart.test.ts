/**
 * Each daemon ends in the middle of a flow, by SIGTERM or kill -9, and comes back: nothing is lost, nothing runs twice.
 * Every command writes to a log outside of jobz, and waits for the test before it ends.
 */
import { appendFile, readFile, writeFile } from 'node:fs/promises'
import test, { type ExecutionContext } from 'ava'
import { type Cluster, makeCluster } from './cluster.ts'

const yaml = (folder: string): string => `
jobs:
  held:
    deliver: one
    command: |
      set -e
      echo "begin $JOBZ_RUN_ID" >> ${folder}/outside
      until [ -e ${folder}/go ]; do sleep 0.05; done
      echo "end $JOBZ_RUN_ID" >> ${folder}/outside
    on_success: after
  after: {deliver: one, command: 'echo "after $JOBZ_RUN_ID" >> ${folder}/outside'}
semaphores:
  both: {wait_for: [held, after], then: joined}
`

/** A flow whose first command has begun, and waits. */
async function begin(t: ExecutionContext) {
  const cluster = await makeCluster(t, '')
  const joined = `  joined: {deliver: one, command: 'echo "joined $JOBZ_RUN_ID" >> ${cluster.folder}/outside'}\n`
  await writeFile(
    `${cluster.folder}/jobs/jobs.yaml`,
    yaml(cluster.folder).replace('semaphores:', `${joined}semaphores:`),
  )
  await writeFile(cluster.file('outside'), '')
  const broker = await cluster.broker()
  const worker = await cluster.worker()
  const semaphore = await cluster.semaphore()
  const frontend = await cluster.frontend()
  const { run_id } = await cluster.start('job_name=held')
  await cluster.reached(run_id, 'running')
  await written(cluster, 'begin')
  return { cluster, broker, worker, semaphore, frontend, run_id }
}

/** Waits until a command has written this word. */
async function written(cluster: Cluster, word: string): Promise<void> {
  const until = Date.now() + 30_000
  while (!(await readFile(cluster.file('outside'), 'utf8')).includes(word)) {
    if (Date.now() > until) throw new Error(`nothing wrote ${word}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Lets the command end, and checks that every step of the flow ran, and ran once. */
async function finish(t: ExecutionContext, cluster: Cluster, run_id: string): Promise<void> {
  await appendFile(cluster.file('go'), '')
  const held = await cluster.reached(run_id, 'succeeded', 'failed')
  t.is(held.state, 'succeeded', held.reason ?? '')
  t.deepEqual(
    held.tasks?.map(({ attempt }) => attempt),
    [1],
  )
  await written(cluster, 'joined')
  const lines = (await readFile(cluster.file('outside'), 'utf8')).trim().split('\n')
  t.deepEqual(
    lines.map((line) => line.split(' ')[0]),
    ['begin', 'end', 'after', 'joined'],
  )
  for (const job of ['held', 'after', 'joined'])
    t.is((await cluster.runs(`job=${job}`)).length, 1, job)
}

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test.serial(`the broker ends by ${signal} and goes on where it was`, async (t) => {
    const { cluster, broker, run_id } = await begin(t)
    broker.kill(signal)
    t.is(await broker.ended, signal === 'SIGTERM' ? 0 : 'SIGKILL')
    await cluster.broker()
    await finish(t, cluster, run_id)
  })

  test.serial(
    `the worker ends by ${signal}; its command goes on, and the next daemon reports it`,
    async (t) => {
      const { cluster, worker, run_id } = await begin(t)
      worker.kill(signal)
      t.is(await worker.ended, signal === 'SIGTERM' ? 0 : 'SIGKILL')
      await cluster.worker()
      await finish(t, cluster, run_id)
    },
  )

  test.serial(`the semaphore ends by ${signal} and opens its gate once all the same`, async (t) => {
    const { cluster, semaphore, run_id } = await begin(t)
    semaphore.kill(signal)
    t.is(await semaphore.ended, signal === 'SIGTERM' ? 0 : 'SIGKILL')
    await appendFile(cluster.file('go'), '')
    await written(cluster, 'after')
    await cluster.semaphore()
    await finish(t, cluster, run_id)
  })

  test.serial(`the frontend ends by ${signal}, and what it started goes on`, async (t) => {
    const { cluster, frontend, run_id } = await begin(t)
    frontend.kill(signal)
    t.is(await frontend.ended, signal === 'SIGTERM' ? 0 : 'SIGKILL')
    await cluster.frontend()
    await finish(t, cluster, run_id)
  })
}

test.serial(
  'a command that ended while its daemon was dead is reported with its own exit code',
  async (t) => {
    const { cluster, worker, run_id } = await begin(t)
    worker.kill('SIGKILL')
    await worker.ended
    await appendFile(cluster.file('go'), '')
    await written(cluster, 'end')
    await cluster.worker()
    await finish(t, cluster, run_id)
  },
)

test.serial('a run that waits for its worker starts when that is there', async (t) => {
  const { cluster, worker, run_id } = await begin(t)
  await finish(t, cluster, run_id)
  worker.kill('SIGTERM')
  await worker.ended
  const { run_id: second, state } = await cluster.start('job_name=after')
  t.is(state, 'queued')
  t.regex((await cluster.run(second)).reason ?? '', /web1/)
  await cluster.worker()
  t.is((await cluster.reached(second, 'succeeded')).state, 'succeeded')
})
