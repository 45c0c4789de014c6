/** What there is: jobs, workers, semaphores, lanes, and what was refused. */
import type { JobView } from '../../common/protocol/answers.ts'
import type { Question } from '../../common/protocol/client-door.ts'
import type { Identity } from '../access/identity.ts'
import { mayTouch } from '../access/scope.ts'
import type { Asked } from '../broker-link.ts'
import { badRequest } from '../failure.ts'
import { countOf, json, refuse, relay, textOf } from './route.ts'
import type { Answer, Api, Call, Route } from './route.ts'

const DEFAULT_REFUSALS = 100
const MAX_REFUSALS = 1000

export function listRoutes(api: Api): Route[] {
  const list = (what: 'workers' | 'semaphores' | 'lanes', summary: string): Route => ({
    method: 'GET',
    path: `/api/${what}`,
    id: `list_${what}`,
    role: 'read',
    scope: 'everything',
    summary,
    fields: [],
    answers: { 200: { description: summary, schema: NAMES[what] } },
    handle: async () => named(what, await ask(api, { what })),
  })
  return [
    {
      method: 'GET',
      path: '/api/jobs',
      id: 'list_jobs',
      role: 'read',
      scope: 'itself',
      summary: 'The jobs that were announced, and who can run them',
      description: 'A token that is limited to some jobs sees these alone.',
      fields: [],
      answers: { 200: { description: 'the jobs', schema: 'Jobs' } },
      handle: async ({ who }) => named('jobs', await ownJobs(api, who)),
    },
    list('workers', 'The workers, and what each is doing'),
    list('semaphores', 'The semaphores: which members arrived, which are missing, since when'),
    list('lanes', 'The lanes and how full they are'),
    {
      method: 'GET',
      path: '/api/jobs/{job}/explain',
      id: 'explain_job',
      role: 'read',
      scope: { job: 'job' },
      summary: 'What would become of a trigger with these parameters; starts nothing',
      fields: [],
      open: 'a parameter of the job',
      answers: {
        200: { description: 'in words', schema: 'Explanation' },
        404: { description: 'nobody has announced such a job' },
      },
      handle: (call) => explainJob(api, call),
    },
    {
      method: 'GET',
      path: '/api/refusals',
      id: 'list_refusals',
      role: 'read',
      scope: { job: 'job' },
      summary: 'Triggers that were refused: when, from where, why',
      fields: [
        { name: 'job', description: 'of this job', schema: { type: 'string' } },
        {
          name: 'limit',
          description: `how many (${DEFAULT_REFUSALS} by default)`,
          schema: { type: 'integer', minimum: 1, maximum: MAX_REFUSALS },
        },
      ],
      answers: { 200: { description: 'newest first', schema: 'Refusals' } },
      handle: (call) => listRefusals(api, call),
    },
  ]
}

const NAMES = { workers: 'Workers', semaphores: 'Semaphores', lanes: 'Lanes' }

const ask = (api: Api, question: Question): Promise<Asked<unknown>> =>
  api.broker.ask({ kind: 'query', question })

async function ownJobs(api: Api, who: Identity): Promise<Asked<unknown>> {
  const asked = await api.broker.ask<JobView[]>({ kind: 'query', question: { what: 'jobs' } })
  if (asked.kind === 'refused' || who.jobs === null) return asked
  return { ...asked, result: asked.result.filter(({ job }) => mayTouch(who, job)) }
}

/** Lists are wrapped in an object, which can be given more later. */
const named = (name: string, asked: Asked<unknown>): Answer =>
  asked.kind === 'answered' && Array.isArray(asked.result)
    ? json(200, { [name]: asked.result })
    : relay(asked)

async function explainJob(api: Api, call: Call): Promise<Answer> {
  const params = Object.fromEntries(call.fields)
  return relay(await ask(api, { what: 'explain_job', job: call.path('job'), params }))
}

async function listRefusals(api: Api, { fields }: Call): Promise<Answer> {
  const limit = countOf(textOf(fields, 'limit') ?? String(DEFAULT_REFUSALS), 1, MAX_REFUSALS)
  if (limit === null) return refuse(badRequest(`limit: a whole number from 1 to ${MAX_REFUSALS}`))
  const question = { what: 'refusals', job: textOf(fields, 'job'), limit } as const
  return named('refusals', await ask(api, question))
}
