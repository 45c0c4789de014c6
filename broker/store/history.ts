/**
 * Answers to questions about what was, from a thread with a connection of its own: a list of a million runs, or a
 * checkpoint, never holds up a decision. This end only carries questions over and answers back.
 */
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { messageOf } from './lock.ts'
import type { History } from './store.ts'

/** The questions as the thread answers them. */
export type Questions = {
  [K in Exclude<keyof History, 'close'>]: (
    ...args: Parameters<History[K]>
  ) => Awaited<ReturnType<History[K]>>
}

export type Asked = {
  readonly id: number
  readonly question: keyof Questions
  readonly args: readonly unknown[]
}
export type Told =
  { readonly id: number; readonly value: unknown } | { readonly id: number; readonly error: string }

type Pending = { resolve(value: unknown): void; reject(error: Error): void }

/**
 * The history of a data directory whose store is open. A question that fails (a damaged file) rejects; when the thread
 * itself ends, so does every question that is still open or asked later.
 */
export function openHistory(directory: string): History {
  const pending = new Map<number, Pending>()
  let sequence = 0
  let ended: Error | null = null
  // The same file is TypeScript in a checkout and JavaScript in a package.
  const reader = new URL(`./reader${extname(import.meta.filename)}`, import.meta.url)
  const thread = new Worker(reader, { workerData: { directory } })
  const end = (error: Error): void => {
    ended ??= error
    for (const asker of pending.values()) asker.reject(ended)
    pending.clear()
  }
  thread.on('message', (told: Told) => {
    const asker = pending.get(told.id)
    pending.delete(told.id)
    if ('error' in told) asker?.reject(new Error(told.error))
    else asker?.resolve(told.value)
  })
  thread.on('error', (error) => end(new Error(messageOf(error))))
  thread.on('exit', () => end(new Error('the history is closed')))

  const asking =
    <K extends keyof Questions>(question: K) =>
    (...args: Parameters<History[K]>): Promise<Awaited<ReturnType<History[K]>>> =>
      new Promise((resolve, reject) => {
        if (ended !== null) {
          reject(ended)
          return
        }
        sequence += 1
        pending.set(sequence, {
          resolve: (value) => resolve(value as Awaited<ReturnType<History[K]>>),
          reject,
        })
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- windows have origins, threads do not
        thread.postMessage({ id: sequence, question, args } satisfies Asked)
      })
  return {
    find: asking('find'),
    findFlow: asking('findFlow'),
    run: asking('run'),
    runs: asking('runs'),
    flow: asking('flow'),
    replay: asking('replay'),
    refusals: asking('refusals'),
    openGates: asking('openGates'),
    attempt: asking('attempt'),
    countRuns: asking('countRuns'),
    oldRuns: asking('oldRuns'),
    oldRequests: asking('oldRequests'),
    checkpoint: asking('checkpoint'),
    close: async () => {
      await thread.terminate()
    },
  }
}
