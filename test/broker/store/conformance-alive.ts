/** What a starting broker finds, and what a transaction is. */
import type { Run } from '../../../broker/core/state.ts'
import { using } from './place.ts'
import type { Behaviour } from './place.ts'
import * as sample from './samples.ts'
import { arrivalAt, born, changed, ended, idOf, recordsWith, sampleRun } from './samples.ts'

export function describeAlive(behaviour: Behaviour): void {
  behaviour('a new store has nothing alive', (t, place) => {
    t.deepEqual(
      using(place, (store) => store.load()),
      {
        feed_head: 0,
        cards: [],
        lanes: [],
        workers: [],
        semaphores: [],
        runs: [],
        gates: [],
        outcomes: [],
      },
    )
  })

  behaviour(
    'everything alive is there again after a crash, as it was last committed',
    (t, place) => {
      const run = fullRun()
      const worker = sample.sampleWorker('web1', {
        draining: true,
        reload_error: 'jobs/a.yaml:1:2: no',
      })
      const arrival = sample.sampleArrival(run, { distinct: 'a', member: 1 })
      const gate = sample.sampleGate('2026_01_01', [arrival], { timeout_at_ms: 5, failed: true })
      const card = { hash: 'h', card: sample.sampleCard('import'), first_seen_ms: 1 }
      const semaphore = { name: 'ready', definition: sample.sampleSemaphore('ready'), place: 7 }
      using(place, (store) => {
        store.commit({ ...born([run]), cards: [card], lanes: [{ lane: 'media', limit: 24 }] })
        store.commit(recordsWith({ workers: [worker], semaphores: [semaphore] }))
        store.commit(recordsWith({ gates: [gate], arrivals: [arrivalAt(gate, arrival)] }))
        store.commit(recordsWith({ feed: [sample.entryOf(8, run), sample.entryOf(9, run)] }))
      })
      t.deepEqual(
        using(place, (store) => store.load()),
        {
          feed_head: 9,
          cards: [card],
          lanes: [{ lane: 'media', limit: 24 }],
          workers: [worker],
          semaphores: [semaphore],
          runs: [run],
          gates: [gate],
          outcomes: [],
        },
      )
    },
  )

  behaviour('what only memory knows is not kept', (t, place) => {
    const task = sample.sampleTask(sampleRun(1), { accepted: true })
    const run = sampleRun(1, { state: 'running', tasks: [task], counted: true, in_queue: true })
    const worker = sample.sampleWorker('web1', {
      session: { token: 't', peer: 'p' },
      credit: 4,
      given: 2,
      lease_until_ms: 9,
      away_at_ms: 10,
      watched: new Set(['lease']),
      waiting: new Set([task]),
      holds: new Map([['x', task]]),
    })
    const alive = using(place, (store) => {
      store.commit({ ...born([run]), workers: [worker] })
      return store.load()
    })
    t.deepEqual(alive.workers, [sample.sampleWorker('web1')])
    t.deepEqual(alive.runs, [
      { ...run, counted: false, in_queue: false, tasks: [{ ...task, accepted: false }] },
    ])
  })

  behaviour('unfinished runs come in order of sequence; finished ones do not come', (t, place) => {
    const later = sampleRun(1, { sequence: 30, state: 'running' })
    const sooner = sampleRun(2, { sequence: 10, state: 'waiting' })
    const middle = sampleRun(3, { sequence: 20 })
    const over = (['succeeded', 'failed', 'canceled', 'expired'] as const).map((state, at) =>
      ended(4 + at, state),
    )
    const alive = using(place, (store) => {
      store.commit(born([later, sooner, middle, ...over]))
      return store.load()
    })
    t.deepEqual(
      alive.runs.map((run) => run.sequence),
      [10, 20, 30],
    )
  })

  behaviour('a run that ends leaves what is alive', (t, place) => {
    using(place, (store) => {
      store.commit(born([sampleRun(1)]))
      store.commit(changed([ended(1, 'failed', { reason: 'exit code 3' })]))
      t.deepEqual(store.load().runs, [])
      t.is(store.runs([idOf(1)]).get(idOf(1))?.reason, 'exit code 3')
    })
  })

  behaviour('cards come in the order in which they were first seen, each once', (t, place) => {
    using(place, (store) => {
      store.commit(recordsWith({ cards: [seen('zebra', 1), seen('ape', 2)] }))
      store.commit(recordsWith({ cards: [seen('zebra', 9), seen('bear', 3)] }))
    })
    t.deepEqual(
      using(place, (store) => store.load()).cards.map((card) => card.hash),
      ['zebra', 'ape', 'bear'],
    )
  })

  behaviour('a dropped card is gone, and is the newest when it comes back', (t, place) => {
    using(place, (store) => {
      store.commit(recordsWith({ cards: [seen('zebra', 1), seen('ape', 2), seen('bear', 3)] }))
      store.commit(recordsWith({ dropped_cards: ['zebra', 'ape'] }))
      store.commit(recordsWith({ dropped_cards: ['never-there'], cards: [seen('zebra', 4)] }))
    })
    t.deepEqual(
      using(place, (store) => store.load()).cards.map((card) => card.hash),
      ['bear', 'zebra'],
    )
  })

  behaviour('a forgotten worker is gone, and may come back', (t, place) => {
    using(place, (store) => {
      store.commit(recordsWith({ workers: [sample.sampleWorker('a'), sample.sampleWorker('b')] }))
      store.commit(recordsWith({ forgotten: ['a', 'never-there'] }))
      t.deepEqual(
        store.load().workers.map((worker) => worker.name),
        ['b'],
      )
      store.commit(recordsWith({ workers: [sample.sampleWorker('a', { slots: 9 })] }))
      t.is(store.load().workers.find((worker) => worker.name === 'a')?.slots, 9)
    })
  })

  behaviour('ended runs that a semaphore has not heard of are outcomes, in order', (t, place) => {
    const member = ended(1, 'failed')
    const other = ended(2, 'succeeded', { job: 'nobody_waits_for_it' })
    const running = sampleRun(3, { state: 'running' })
    const semaphore = { name: 'ready', definition: sample.sampleSemaphore('ready'), place: 2 }
    const alive = using(place, (store) => {
      store.commit(recordsWith({ semaphores: [semaphore] }))
      store.commit(
        recordsWith({
          feed: [sample.entryOf(1, member), sample.entryOf(2, member), sample.entryOf(3, other)],
        }),
      )
      store.commit(recordsWith({ feed: [sample.entryOf(4, running), sample.entryOf(5, member)] }))
      store.commit(recordsWith({ feed: [sample.entryOf(6, member)] }))
      return store.load()
    })
    const { flow_id, job } = member
    t.deepEqual(alive.outcomes, [
      { n: 5, flow_id, job },
      { n: 6, flow_id, job },
    ])
  })

  behaviour('a transaction that fails leaves nothing of itself', (t, place) => {
    const before = sampleRun(1)
    using(place, (store) => {
      store.commit(born([before], { date: 'kept' }))
      const twice = born([sampleRun(2), before], { date: 'lost' })
      t.throws(() => store.commit({ ...twice, feed: [sample.entryOf(1, before)] }))
      t.deepEqual(store.runs([idOf(1), idOf(2)]), new Map([[idOf(1), before]]))
      t.deepEqual(
        store.values([idOf(1), idOf(2)]),
        new Map([[idOf(1), { params: { date: 'kept' }, context: {} }]]),
      )
      t.is(store.load().feed_head, 0)
      store.commit(born([sampleRun(2)]))
    })
    t.is(using(place, (store) => store.load()).runs.length, 2)
  })

  behaviour('a change of a run that was never recorded is a defect', (t, place) => {
    using(place, (store) => {
      t.throws(() => store.commit(changed([sampleRun(1)])), { message: /never/ })
    })
  })

  behaviour('a request is recorded once', (t, place) => {
    const request = { job: 'import', request_id: 'r', run_id: idOf(1), at_ms: 1 }
    using(place, (store) => {
      store.commit({ ...born([sampleRun(1)]), requests: [request] })
      t.throws(() => store.commit(recordsWith({ requests: [{ ...request, run_id: idOf(2) }] })))
      t.is(store.requests([request]).get('import\0r')?.run_id, idOf(1))
    })
  })
}

const seen = (hash: string, first_seen_ms: number) => ({
  hash,
  card: sample.sampleCard(hash),
  first_seen_ms,
})

/** A run with nothing left at its default. */
function fullRun(): Run {
  const run = sampleRun(1, {
    flow_id: idOf(0),
    parent_run_id: idOf(0),
    via: 'retry',
    retry_of: idOf(0),
    state: 'running',
    reason: 'why',
    deliver: 'all',
    started_ms: 2,
    cancel_requested: true,
    progress: 12.5,
    message: 'half way',
    concurrency_key: 'import\0shop',
    only_workers: ['web1', 'web2'],
    depth: 3,
    delay_ms: 60_000,
    handling: ['notify_operator'],
  })
  run.tasks.push(
    sample.sampleTask(run, { n: 0, state: 'delayed', due_ms: 77, tries: 1, lost: 2, exit_code: 3 }),
    sample.sampleTask(run, { n: 1, worker: null, state: 'ready', attempt: 0, attempts: [] }),
    sample.sampleTask(run, {
      n: 2,
      state: 'succeeded',
      exit_code: 0,
      finished_ms: 9,
      output: { rows: '12' },
      stdout_bytes: 5,
      stderr_bytes: 6,
      error_tail: 'oh',
    }),
  )
  return run
}
