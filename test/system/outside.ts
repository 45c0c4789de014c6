/**
 * A cluster for faults: its commands write to a log outside of jobz, some of them wait for the test before they end,
 * and whoever is to be cut off dials through a proxy.
 */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import { until } from '../worker/until.ts'
import { type Cluster, makeCluster } from './cluster.ts'
import { openProxy, type Proxy } from './proxy.ts'

export type Outside = Awaited<ReturnType<typeof makeOutside>>

const LIMIT_MS = 45_000

/** In the text of a job: says `begin`, waits for the test, says `end`. */
export const HELD = `
      echo "begin $JOBZ_JOB $JOBZ_ATTEMPT $JOBZ_WORKER" >> FOLDER/outside
      until [ -e FOLDER/go ]; do sleep 0.05; done
      echo "end $JOBZ_JOB $JOBZ_ATTEMPT $JOBZ_WORKER" >> FOLDER/outside`
/** The same without the wait. */
export const QUICK = `
      echo "begin $JOBZ_JOB $JOBZ_ATTEMPT $JOBZ_WORKER" >> FOLDER/outside
      echo "end $JOBZ_JOB $JOBZ_ATTEMPT $JOBZ_WORKER" >> FOLDER/outside`

/** `FOLDER` in the YAML is the cluster's. */
export async function makeOutside(t: ExecutionContext, yaml: string) {
  const cluster = await makeCluster(t, '')
  writeFileSync(cluster.file('jobs/jobs.yaml'), yaml.replaceAll('FOLDER', cluster.folder))
  writeFileSync(cluster.file('outside'), '')
  const port = Number(new URL(cluster.doors.worker).port)
  const proxy: Proxy = await openProxy(cluster.spare_port, port)
  t.teardown(() => proxy.close())
  // Whatever becomes of a test, no command of it waits for ever.
  t.teardown(() => appendFileSync(cluster.file('go'), ''))
  const lines = (): string[] =>
    readFileSync(cluster.file('outside'), 'utf8').split('\n').filter(Boolean)
  return {
    ...cluster,
    proxy,
    /** Through the proxy. */
    farWorker: (name = 'web1', ...more: string[]) =>
      cluster.worker(name, '--broker', proxy.address, ...more),
    /** What the commands wrote. */
    lines,
    /** Waits until a command has written a line that begins so. */
    written: (start: string) =>
      until(
        `a command wrote ${start}`,
        () => lines().some((line) => line.startsWith(start)),
        LIMIT_MS,
      ),
    /** Lets the commands end. */
    go: () => appendFileSync(cluster.file('go'), ''),
  }
}

/** Waits until something that is asked over HTTP, or read elsewhere, is so. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | null | undefined | false>,
): Promise<T> {
  const end_ms = performance.now() + LIMIT_MS
  for (;;) {
    const found = await look().catch(() => null)
    if (found !== null && found !== undefined && found !== false) return found
    if (performance.now() > end_ms) throw new Error(`waited too long until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Waits until the broker knows that a worker is there. */
export const present = (cluster: Cluster, name: string): Promise<boolean> =>
  eventually(`${name} is present`, async () => {
    const { workers } = (await cluster.json('/api/workers')) as {
      workers: { worker: string; state: string }[]
    }
    return workers.some(({ worker, state }) => worker === name && state === 'present')
  })
