/** What a store knows of gates, and of who arrived at them. */
import { using } from './place.ts'
import type { Behaviour } from './place.ts'
import * as sample from './samples.ts'
import { arrivalAt, ended, idOf, recordsWith, sampleRun } from './samples.ts'

export function describeGates(behaviour: Behaviour): void {
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

const arrival = (n: number, distinct: string | null, member = 0) =>
  sample.sampleArrival(sampleRun(n), { distinct, member })
