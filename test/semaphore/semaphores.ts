/** Definitions of semaphores, with only what a test is about. */
import { Semaphore } from '../../common/definition/card.ts'
import type { Member } from '../../common/definition/card.ts'

export const member = (job: string, facts: Partial<Member> = {}): Member => ({
  job,
  count: 1,
  distinct: null,
  ...facts,
})

/** By default one gate per date, waiting for one `part`. */
export const semaphoreOf = (facts: Partial<Semaphore> = {}): Semaphore =>
  Semaphore.parse({
    name: 'ready',
    wait_for: [member('part')],
    key: '%(date)s',
    // oxlint-disable-next-line unicorn/no-thenable -- the key is called so in the YAML
    then: [],
    timeout_ms: null,
    on_timeout: [],
    on_member_failure: 'wait',
    repeat: false,
    ...facts,
  })
