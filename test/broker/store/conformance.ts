/** What every store must do, whatever it keeps things in. `sqlite.test.ts` and `memory.test.ts` run it. */
import type { ExecutionContext, TestFn } from 'ava'
import type { Run } from '../../../broker/core/state.ts'
import type { Store } from '../../../broker/store/store.ts'
import * as sample from './samples.ts'
import { arrivalAt, born, changed, ended, idOf, recordsWith, sampleRun } from './samples.ts'

/** A place where a store keeps things; `open` may be called again after the store was closed. */
export type Place = { open(): Store; remove(): void }

const HOSTILE = {
  __defineGetter__: 'x',
  constructor: '{}',
  toString: '',
  quotes: `'"\`$(true); DROP TABLE runs; --`,
  unicode: 'Zürich ✓ 漢字 \u{1f680} \u202e\u0001\t\r\n',
}

export function conformance(test: TestFn, makePlace: () => Place): void {
  const behaviour = (title: string, body: (t: ExecutionContext, place: Place) => void): void =>
    test(title, (t) => {
      const place = makePlace()
      t.teardown(() => place.remove())
      body(t, place)
    })

  describeAlive(behaviour)
  describeLookUps(behaviour)
  describeGates(behaviour)
}

type Behaviour = (title: string, body: (t: ExecutionContext, place: Place) => void) => void

/** Does something with a store, and closes it: the next use is as after a crash. */
function using<T>(place: Place, use: (store: Store) => T): T {
  const store = place.open()
  try {
    return use(store)
  } finally {
    store.close()
  }
}

function describeAlive(behaviour: Behaviour): void {
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
    const seen = (hash: string, first_seen_ms: number) => ({
      hash,
      card: sample.sampleCard(hash),
      first_seen_ms,
    })
    using(place, (store) => {
      store.commit(recordsWith({ cards: [seen('zebra', 1), seen('ape', 2)] }))
      store.commit(recordsWith({ cards: [seen('zebra', 9), seen('bear', 3)] }))
    })
    t.deepEqual(
      using(place, (store) => store.load()).cards.map((card) => card.hash),
      ['zebra', 'ape', 'bear'],
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
      t.deepEqual(store.values([idOf(1), idOf(2)]), valuesOf(idOf(1), { date: 'kept' }))
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
      store.commit(recordsWith({ requests: [request] }))
      t.throws(() => store.commit(recordsWith({ requests: [{ ...request, run_id: idOf(2) }] })))
      t.is(store.requests([request]).get('import\0r')?.run_id, idOf(1))
    })
  })
}

function describeLookUps(behaviour: Behaviour): void {
  behaviour('values come back byte for byte, whatever they are called and hold', (t, place) => {
    const params = JSON.parse(`{"__proto__": "mine", "a": ""}`) as Record<string, string>
    using(place, (store) => {
      store.commit(born([sampleRun(1)], HOSTILE, params))
      store.commit(changed([sampleRun(1, { state: 'running' })]))
      t.deepEqual(store.values([idOf(1), idOf(9), '__proto__']), valuesOf(idOf(1), HOSTILE, params))
    })
    const again = using(place, (store) => store.values([idOf(1)])).get(idOf(1))
    t.deepEqual(again, { params: HOSTILE, context: params })
    t.is(Object.getOwnPropertyDescriptor(again?.context ?? {}, '__proto__')?.value, 'mine')
  })

  behaviour('every column takes hostile text', (t, place) => {
    const text = Object.values(HOSTILE).join('')
    const run = sampleRun(1, {
      job: '__proto__',
      reason: text,
      message: text,
      concurrency_key: text,
      only_workers: [text, '__proto__'],
      handling: [text],
      state: 'running',
    })
    run.tasks.push(sample.sampleTask(run, { worker: '__proto__', reason: text, error_tail: text }))
    using(place, (store) => {
      store.commit(born([run]))
      t.deepEqual(store.load().runs, [run])
    })
  })

  behaviour('times and sizes at the edge of what a number holds come back', (t, place) => {
    const run = sampleRun(1, {
      delay_ms: Number.MAX_SAFE_INTEGER,
      state: 'running',
      progress: 33.3,
    })
    const due_ms = Number.MAX_SAFE_INTEGER + run.created_ms
    run.tasks.push(sample.sampleTask(run, { due_ms, stdout_bytes: Number.MAX_SAFE_INTEGER }))
    using(place, (store) => store.commit(born([run])))
    t.deepEqual(
      using(place, (store) => store.load()),
      { ...using(place, (store) => store.load()), runs: [run] },
    )
  })

  behaviour('a request is found under its job only', (t, place) => {
    const request = { job: 'import', request_id: `o'clock`, run_id: idOf(1), at_ms: 12 }
    using(place, (store) => {
      store.commit(recordsWith({ requests: [request] }))
      const found = store.requests([
        request,
        { job: 'other', request_id: request.request_id },
        { job: 'import', request_id: 'unheard' },
      ])
      t.deepEqual(found, new Map([[`import\0o'clock`, request]]))
    })
  })

  behaviour('runs are found with their tasks in order, finished or not', (t, place) => {
    const run = ended(1, 'succeeded')
    const tasks = [2, 0, 10, 1].map((n) => sample.sampleTask(run, { n, state: 'succeeded' }))
    const other = sampleRun(2)
    using(place, (store) => {
      store.commit({ ...born([run, other]), tasks })
      const found = store.runs([idOf(1), idOf(2), idOf(3)])
      t.deepEqual([...found.keys()], [idOf(1), idOf(2)])
      t.deepEqual(
        found.get(idOf(1))?.tasks.map((task) => task.n),
        [0, 1, 2, 10],
      )
      t.deepEqual(found.get(idOf(2)), other)
    })
  })

  behaviour('a task is written over what was there', (t, place) => {
    const run = sampleRun(1, { state: 'running' })
    using(place, (store) => {
      store.commit(born([{ ...run, tasks: [sample.sampleTask(run, { worker: null })] }]))
      const done = sample.sampleTask(run, {
        worker: 'web2',
        state: 'succeeded',
        attempt: 2,
        output: JSON.parse('{"rows": "12", "__proto__": "x"}') as Record<string, string>,
        attempts: [sample.sampleAttempt(1, { state: 'lost' }), sample.sampleAttempt(2)],
      })
      store.commit(recordsWith({ tasks: [done] }))
      t.deepEqual(store.runs([run.run_id]).get(run.run_id)?.tasks, [done])
    })
  })

  behaviour('what is looked up is a copy', (t, place) => {
    const run = sampleRun(1)
    using(place, (store) => {
      store.commit(born([run]))
      run.state = 'canceled'
      t.is(store.runs([idOf(1)]).get(idOf(1))?.state, 'queued')
    })
  })

  behaviour('a flow has all its runs, oldest first, and nobody else’s', (t, place) => {
    const root = ended(1, 'succeeded')
    const flow_id = root.flow_id
    const child = sampleRun(3, { flow_id, parent_run_id: root.run_id, via: 'success' })
    child.tasks.push(sample.sampleTask(child))
    using(place, (store) => {
      store.commit(born([root]))
      store.commit(born([sampleRun(2)]))
      store.commit(born([child]))
      t.deepEqual(store.flow(flow_id), [root, child])
      t.deepEqual(store.flow('unheard'), [])
    })
  })
}

function describeGates(behaviour: Behaviour): void {
  behaviour(
    'an open gate is found with the arrivals of its generation, and is not alive',
    (t, place) => {
      const [first, second, tardy] = [
        ended(1, 'succeeded'),
        ended(2, 'succeeded'),
        ended(3, 'succeeded'),
      ]
      const arrivals = [first, second].map((run) => sample.sampleArrival(run))
      const gate = sample.sampleGate('k', arrivals, { opened_ms: 5, opened_by: 'me', late: 1 })
      using(place, (store) => {
        store.commit(
          recordsWith({
            gates: [gate],
            arrivals: [
              ...arrivals.map((arrival) => arrivalAt(gate, arrival)),
              arrivalAt(gate, sample.sampleArrival(tardy), { late: true }),
              arrivalAt(gate, sample.sampleArrival(sampleRun(4)), { generation: 2 }),
              arrivalAt(gate, sample.sampleArrival(sampleRun(5)), { key: 'other' }),
            ],
          }),
        )
        t.deepEqual(
          store.gates([
            { semaphore: 'ready', key: 'k' },
            { semaphore: 'ready', key: 'unheard' },
          ]),
          new Map([['ready\0k', gate]]),
        )
        t.deepEqual(store.load().gates, [])
      })
    },
  )

  behaviour('a gate that shut again holds the arrivals of its new generation only', (t, place) => {
    const gate = sample.sampleGate('k', [sample.sampleArrival(sampleRun(1))])
    const next = sample.sampleGate('k', [sample.sampleArrival(sampleRun(2))], { generation: 2 })
    using(place, (store) => {
      for (const one of [gate, next])
        store.commit(
          recordsWith({
            gates: [one],
            arrivals: [...one.arrivals.values()].map((arrival) => arrivalAt(one, arrival)),
          }),
        )
      t.deepEqual(store.load().gates, [next])
    })
  })

  behaviour('a repeated distinct value takes its earlier one’s place', (t, place) => {
    const arrival = (n: number, distinct: string | null, member = 0) =>
      sample.sampleArrival(sampleRun(n), { distinct, member })
    const told = [
      arrival(1, 'shop'),
      arrival(2, 'stock'),
      arrival(3, 'shop'),
      arrival(4, 'shop', 1),
      arrival(5, null),
      arrival(6, null),
    ]
    const gate = sample.sampleGate('k', told.slice(1))
    using(place, (store) => {
      const arrivals = told.map((item) => arrivalAt(gate, item))
      store.commit(recordsWith({ gates: [gate], arrivals }))
      store.commit(recordsWith({ arrivals: arrivals.slice(0, 2) }))
      t.deepEqual(store.load().gates, [gate])
      t.deepEqual(
        [...(store.load().gates[0]?.arrivals.keys() ?? [])],
        told.slice(1).map((item) => item.run_id),
      )
    })
  })

  behaviour(
    'a run has arrived once it has at any generation; unkeyed is not arrived',
    (t, place) => {
      const gate = sample.sampleGate('k', [])
      const pairs = [1, 2, 3].map((n) => ({ semaphore: 'ready', run_id: idOf(n) }))
      const late = arrivalAt(gate, sample.sampleArrival(sampleRun(1)), {
        generation: 4,
        late: true,
      })
      const unkeyed = arrivalAt(gate, sample.sampleArrival(sampleRun(2)), {
        key: null,
        missing: 'date',
      })
      using(place, (store) => {
        store.commit(recordsWith({ arrivals: [late, unkeyed] }))
        t.deepEqual(store.arrived(pairs), new Set([`ready\0${idOf(1)}`]))
        t.deepEqual(store.arrived([{ semaphore: 'other', run_id: idOf(1) }]), new Set())
      })
    },
  )
}

const valuesOf = (run_id: string, params: Run['tasks'][number]['output'], context = {}) =>
  new Map([[run_id, { params, context }]])

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
