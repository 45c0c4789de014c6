/** What operators do by hand: drain and forget workers, forget semaphores, open and reset gates. */
import { badRequest } from '../failure.ts'
import { refuse, relay, switchOf, textOf } from './route.ts'
import type { Api, Route } from './route.ts'

export function operationRoutes(api: Api): Route[] {
  return [...workerRoutes(api), ...semaphoreRoutes(api), ...gateRoutes(api)]
}

function workerRoutes(api: Api): Route[] {
  const answers = {
    200: { description: 'done, and on disk', schema: 'Done' },
    404: { description: 'no such worker' },
  }
  return [
    {
      method: 'POST',
      path: '/api/workers/{worker}/drain',
      id: 'drain_worker',
      role: 'operate',
      scope: 'everything',
      summary: 'Give a worker nothing new; what it runs goes on',
      fields: [
        {
          name: 'off',
          description: '1: let it take work again',
          schema: { type: 'string', enum: ['1', '0'] },
        },
      ],
      answers,
      handle: async (call) => {
        const off = switchOf(call.fields, 'off')
        if (off === null) return refuse(badRequest('off: 1 or 0'))
        const action = off ? 'resume' : 'drain'
        return relay(await api.broker.ask({ kind: 'worker', worker: call.path('worker'), action }))
      },
    },
    {
      method: 'POST',
      path: '/api/workers/{worker}/forget',
      id: 'forget_worker',
      role: 'admin',
      scope: 'everything',
      summary: 'Forget a worker that will not come back',
      fields: [],
      answers: { ...answers, 409: { description: 'it is here' } },
      handle: async (call) =>
        relay(
          await api.broker.ask({
            kind: 'worker',
            worker: call.path('worker'),
            action: 'forget',
          }),
        ),
    },
  ]
}

function semaphoreRoutes(api: Api): Route[] {
  return [
    {
      method: 'POST',
      path: '/api/semaphores/{semaphore}/forget',
      id: 'forget_semaphore',
      role: 'admin',
      scope: 'everything',
      summary: 'Forget a semaphore whose definition was taken away: no flow waits for it any more',
      fields: [],
      answers: {
        200: { description: 'done, and on disk', schema: 'Done' },
        404: { description: 'no such semaphore' },
        409: { description: 'a semaphore process follows it' },
      },
      handle: async (call) => {
        const semaphore = call.path('semaphore')
        return relay(await api.broker.ask({ kind: 'semaphore', semaphore, action: 'forget' }))
      },
    },
  ]
}

function gateRoutes(api: Api): Route[] {
  const answers = {
    200: { description: 'done, and on disk', schema: 'Done' },
    404: { description: 'no such semaphore, or no such gate' },
    409: { description: 'the gate is not in a state for that' },
  }
  const path = '/api/semaphores/{semaphore}/{key}'
  return [
    {
      method: 'POST',
      path: `${path}/open`,
      id: 'open_gate',
      role: 'operate',
      scope: 'everything',
      summary: 'Open a gate by hand, whoever is missing',
      description: 'A key with slashes is percent-encoded: `shop%2Feu`.',
      fields: [
        {
          name: 'reason',
          description: 'why, for those who look later',
          schema: { type: 'string', maxLength: 1024 },
        },
      ],
      answers,
      handle: async (call) =>
        relay(
          await api.broker.ask({
            kind: 'open',
            semaphore: call.path('semaphore'),
            key: call.path('key'),
            generation: null,
            reason: textOf(call.fields, 'reason'),
          }),
        ),
    },
    {
      method: 'POST',
      path: `${path}/reset`,
      id: 'reset_gate',
      role: 'operate',
      scope: 'everything',
      summary: 'Close an open gate: it waits for all its members anew',
      fields: [],
      answers,
      handle: async (call) =>
        relay(
          await api.broker.ask({
            kind: 'reset',
            semaphore: call.path('semaphore'),
            key: call.path('key'),
          }),
        ),
    },
  ]
}
