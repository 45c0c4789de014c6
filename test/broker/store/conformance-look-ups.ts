/** What a decision may ask a store. */
import { using } from './place.ts'
import type { Behaviour } from './place.ts'
import * as sample from './samples.ts'
import { born, changed, ended, idOf, recordsWith, sampleRun } from './samples.ts'

const HOSTILE = {
  __defineGetter__: 'x',
  constructor: '{}',
  toString: '',
  quotes: `'"\`$(true); DROP TABLE runs; --`,
  unicode: 'Zürich ✓ 漢字 \u{1f680} \u202e\u0001\t\r\n',
}

export function describeLookUps(behaviour: Behaviour): void {
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

  behaviour('revised values take the place of those that a run was started with', (t, place) => {
    const values = { params: { date: 'b' }, context: { gate_key: 'k' } }
    using(place, (store) => {
      store.commit(born([sampleRun(1), sampleRun(2)], { date: 'a' }))
      t.deepEqual(store.values([idOf(1)]), valuesOf(idOf(1), { date: 'a' }))
      store.commit({ ...changed([sampleRun(1)]), revised: [{ run_id: idOf(1), values }] })
      t.deepEqual(store.values([idOf(1)]), new Map([[idOf(1), values]]))
    })
    using(place, (store) => {
      t.deepEqual(store.values([idOf(1)]), new Map([[idOf(1), values]]))
      t.deepEqual(store.values([idOf(2)]), valuesOf(idOf(2), { date: 'a' }))
    })
  })

  behaviour('which runs have a retry', (t, place) => {
    const retry = sampleRun(3, { retry_of: idOf(1), via: 'retry' })
    using(place, (store) => {
      store.commit(born([ended(1, 'failed'), ended(2, 'failed')]))
      t.deepEqual(store.retried([idOf(1), idOf(2)]), new Set())
      store.commit(born([retry]))
    })
    using(place, (store) =>
      t.deepEqual(store.retried([idOf(1), idOf(2), idOf(3), '__proto__']), new Set([idOf(1)])),
    )
  })
}

const valuesOf = (run_id: string, params: Readonly<Record<string, string>>, context = {}) =>
  new Map([[run_id, { params, context }]])
