/** What benchmarks ask of a broker through its client door. */
import type { DaemonKey } from '../common/keys/key-file.ts'
import { openRequests, type RequestLink } from '../common/link/request.ts'
import type {
  MetricsAnswer,
  RunsAnswer,
  RunView,
  SemaphoreView,
  TriggerAnswer,
} from '../common/protocol/answers.ts'
import type { Trigger } from '../common/protocol/client-door.ts'

const LIMIT_MS = 60_000
/** What is told to come later is said again after this long. */
const BUSY_MS = 20

export type Client = {
  trigger(triggers: readonly Trigger[]): Promise<void>
  metrics(): Promise<MetricsAnswer>
  semaphores(): Promise<SemaphoreView[]>
  /** All runs of a job, newest first. */
  runsOf(job: string): Promise<RunView[]>
  /** Waits until nothing is queued or running. */
  drained(): Promise<void>
  close(): Promise<void>
}

export function openClient(address: string, key: DaemonKey | null = null): Client {
  const link: RequestLink = openRequests({ address, key })
  const ask = async (request: Parameters<RequestLink['request']>[0]): Promise<unknown> => {
    for (;;) {
      const answered = await link.request(request, LIMIT_MS)
      if (answered.kind === 'answered') return answered.result
      const isBusy = answered.kind === 'refused' && answered.error.code === 'busy'
      if (!isBusy) throw new Error(JSON.stringify(answered))
      await new Promise((resolve) => setTimeout(resolve, BUSY_MS))
    }
  }
  const metrics = async (): Promise<MetricsAnswer> =>
    (await ask({ kind: 'query', question: { what: 'metrics' } })) as MetricsAnswer
  const page = async (job: string, before: string | null): Promise<RunsAnswer> =>
    (await ask({
      kind: 'query',
      question: { what: 'runs', filter: { job, before, limit: 1_000 } },
    })) as RunsAnswer
  return {
    metrics,
    semaphores: async () =>
      (await ask({ kind: 'query', question: { what: 'semaphores' } })) as SemaphoreView[],
    runsOf: async (job) => {
      const runs: RunView[] = []
      for (let before: string | null = null; ;) {
        const answer = await page(job, before)
        runs.push(...answer.runs)
        before = answer.before
        if (before === null) return runs
      }
    },
    trigger: async (triggers) => {
      const answers = (await ask({ kind: 'trigger', triggers: [...triggers] })) as TriggerAnswer[]
      const refused = answers.find((answer) => 'error' in answer)
      if (refused) throw new Error(JSON.stringify(refused))
    },
    drained: async () => {
      for (;;) {
        const { runs } = await metrics()
        if (runs.queued + runs.running + runs.waiting === 0) return
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    },
    close: () => link.close(),
  }
}

/** Time-ordered, as a frontend makes them. */
export const requestId = (batch: number, n: number): string =>
  `bench-${String(batch).padStart(8, '0')}-${String(n).padStart(5, '0')}`
