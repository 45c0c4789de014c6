/** What every store must do, whatever it keeps things in. `sqlite.test.ts` and `memory.test.ts` run it. */
import type { TestFn } from 'ava'
import { describeAlive } from './conformance-alive.ts'
import { describeGates } from './conformance-gates.ts'
import { describeLookUps } from './conformance-look-ups.ts'
import type { Behaviour, Place } from './place.ts'

export function conformance(test: TestFn, makePlace: () => Place): void {
  const behaviour: Behaviour = (title, body) =>
    test(title, (t) => {
      const place = makePlace()
      t.teardown(() => place.remove())
      body(t, place)
    })

  describeAlive(behaviour)
  describeLookUps(behaviour)
  describeGates(behaviour)
}
