/** `/job_status`: what became of a run; and a job's own report on itself, which it sends with the same one line of curl. */
import { badRequest } from '../failure.ts'
import { wholeRunId } from '../run-ids.ts'
import { refuse, relay, textOf } from './route.ts'
import type { Answer, Api, Call, Route } from './route.ts'

export function jobStatusRoutes(api: Api): Route[] {
  return [
    {
      method: 'GET',
      path: '/job_status',
      id: 'job_status',
      role: 'read',
      scope: { run: 'run_id' },
      acts_with: { fields: ['message', 'progress'], role: 'trigger' },
      run_token: 'own_run',
      summary: "A run's state; or, with message or progress, the job's own report on itself",
      fields: [
        { name: 'run_id', description: 'which run', schema: { type: 'string' }, required: true },
        {
          name: 'message',
          description: 'what it is doing',
          schema: { type: 'string', maxLength: 4096 },
        },
        {
          name: 'progress',
          description: 'how far it is, in percent',
          schema: { type: 'number', minimum: 0, maximum: 100 },
        },
      ],
      answers: {
        200: { description: 'the run', schema: 'Run' },
        404: { description: 'no such run' },
      },
      head: false,
      handle: (call) => jobStatus(api, call),
    },
  ]
}

async function jobStatus(api: Api, { fields }: Call): Promise<Answer> {
  const run_id = textOf(fields, 'run_id')
  if (run_id === null) return refuse(badRequest('which run? run_id is missing'))
  const message = textOf(fields, 'message')
  const percent = textOf(fields, 'progress')
  const progress = percent === null ? null : Number(percent)
  if (percent !== null && (!/^\d{1,3}(\.\d{1,9})?$/.test(percent) || Number(percent) > 100))
    return refuse(badRequest('progress: a number from 0 to 100'))
  if (message === null && progress === null)
    return relay(await api.broker.ask({ kind: 'query', question: { what: 'run', run_id } }))
  const whole = await wholeRunId(api.broker, run_id)
  if (whole.kind === 'refused') return refuse(whole.error)
  const told = await api.broker.ask({ kind: 'report', run_id: whole.result, message, progress })
  if (told.kind === 'refused') return refuse(told.error)
  return relay(
    await api.broker.ask({ kind: 'query', question: { what: 'run', run_id: whole.result } }),
  )
}
