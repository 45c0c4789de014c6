/**
 * A steady mix of triggers over HTTP. Every one has a `request_id`, and is repeated, by any frontend, until it is
 * answered; some are repeated after that too. What was asked and answered is kept for the checker.
 */
import { setTimeout as after } from 'node:timers/promises'
import type { Act, Request } from './history.ts'
import { answerOf, ask, isNoAnswer } from './http.ts'
import type { Random } from './random.ts'

export type Load = {
  readonly requests: readonly Request[]
  readonly acts: readonly Act[]
  /** Asks nothing new. Fulfilled when everything was answered, or the limit has passed. */
  end(limit_ms: number): Promise<void>
}

export type LoadOptions = {
  readonly random: Random
  /** Of the frontends. */
  readonly urls: readonly string[]
  readonly seed: number
  /** A trigger that was asked then was answered now by this one. */
  readonly onAnswer: (url: string, asked_ms: number) => void
}

const PERIOD_MS = 120
/** With so many unanswered no new ones are asked. */
const MOST_OPEN = 150
const AGAIN_MS = 200
const POST = { method: 'POST' }

const MIX = [
  [24, 'first'],
  [12, 'everywhere'],
  [10, 'flaky'],
  [20, 'once'],
  [10, 'patient'],
  [5, 'broken'],
  [6, 'slow'],
  [5, 'split'],
  [8, 'pair'],
] as const

export function beginLoad(options: LoadOptions): Load {
  const { random, seed } = options
  const requests: Request[] = []
  const acts: Act[] = []
  const life = { going: true, giveUp: false, open: 0, count: 0 }

  const untilAnswered = async (request: Request, query: string): Promise<string | null> => {
    while (!life.giveUp) {
      const url = random.pick(options.urls)
      const asked_ms = Date.now()
      const told = await ask(`${url}/job_start?${query}`)
      if (told !== null && !isNoAnswer(told)) {
        if (told.status < 300) options.onAnswer(url, asked_ms)
        const answer = answerOf(told)
        request.answers.push(answer)
        return answer.run_id
      }
      await after(AGAIN_MS)
    }
    return null
  }
  /** A cancel may be said again, a retry may not: it would be a second one. */
  const act = async (kind: Act['kind'], run_id: string): Promise<void> => {
    const one: Act = { kind, run_id, tries: 0, answers: [] }
    acts.push(one)
    const most = kind === 'cancel' ? Infinity : 1
    while (!life.giveUp && one.tries < most) {
      one.tries += 1
      const told = await ask(`${random.pick(options.urls)}/api/runs/${run_id}/${kind}`, POST)
      if (told !== null && !isNoAnswer(told)) return void one.answers.push(answerOf(told))
      await after(AGAIN_MS)
    }
  }
  const start = async (job: string, key: string): Promise<void> => {
    const request_id = `${seed}-${(life.count += 1)}`
    const work = job === 'slow' ? '8' : random.between(0.01, job === 'once' ? 1.2 : 0.3).toFixed(2)
    const request: Request = { request_id, job, answers: [] }
    requests.push(request)
    const query = `job_name=${job}&request_id=${request_id}&tag=${request_id}&key=${key}&work=${work}`
    const run_id = await untilAnswered(request, random.chance(0.1) ? `${query}&wait=3s` : query)
    if (run_id === null) return
    await after(random.between(0, 2_000))
    if (job === 'slow') await act('cancel', run_id)
    else if (job === 'broken' && random.chance(0.5)) await act('retry', run_id)
    else if (random.chance(0.15)) await untilAnswered(request, query)
  }
  const tracked = (job: string, key: string): void => {
    life.open += 1
    void start(job, key).finally(() => (life.open -= 1))
  }
  const startSome = (): void => {
    if (life.open >= MOST_OPEN) return
    const kind = random.weighted(MIX)
    const key = `${seed}-key${life.count}`
    if (kind !== 'pair') return tracked(kind, key)
    tracked('left', key)
    tracked('right', key)
  }
  const timer = setInterval(startSome, PERIOD_MS)
  return {
    requests,
    acts,
    end: async (limit_ms) => {
      clearInterval(timer)
      const until_ms = performance.now() + limit_ms
      while (life.open > 0 && performance.now() < until_ms) await after(50)
      life.giveUp = true
      while (life.open > 0) await after(50)
    },
  }
}
