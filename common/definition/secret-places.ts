/**
 * Places of a definition where a secret's value would come to light: keys of limits and gates are shown to whoever asks,
 * `each` writes values down for all to read, and a value under a name that is not secret is a value like any other.
 *
 * A name is secret in every job once one of these files says so, so all of them are looked at together.
 */
import type { Card, Semaphore, Step } from './card.ts'
import { placeholdersOf } from './template.ts'
import type { Path } from './yaml-tree.ts'

export type SecretPlace = {
  readonly severity: 'error' | 'warning'
  /** Where, in the job or semaphore. */
  readonly path: Path
  readonly message: string
  readonly hint: string
}

type Names = ReadonlySet<string>

export function placesInJob(card: Card, names: Names): SecretPlace[] {
  const key = usedIn(card.concurrency?.key ?? null, names)
  return [
    ...key.map((name) => shownBy(['concurrency', 'key'], name, 'the key of a limit')),
    ...STEPS.flatMap((on) => placesInSteps(on, card[on], names)),
  ]
}

export function placesInSemaphore(semaphore: Semaphore, names: Names): SecretPlace[] {
  return [
    ...usedIn(semaphore.key, names).map((name) => shownBy(['key'], name, 'the key of a gate')),
    ...semaphore.wait_for.flatMap(({ distinct }, n) =>
      usedIn(distinct, names).map((name) =>
        shownBy(['wait_for', n, 'distinct'], name, 'what tells arrivals apart'),
      ),
    ),
    ...placesInSteps('then', semaphore.then, names),
    ...placesInSteps('on_timeout', semaphore.on_timeout, names),
  ]
}

const STEPS = ['on_success', 'on_failure', 'on_each_success', 'on_each_failure'] as const

function placesInSteps(on: string, steps: readonly Step[], names: Names): SecretPlace[] {
  return steps.flatMap(({ job, params, each }) => [
    ...Object.entries(each).flatMap(([name, values]) => {
      const used = names.has(name) ? [name] : values.flatMap((value) => usedIn(value, names))
      return used.slice(0, 1).map((secret) => shownBy([on], secret, 'each'))
    }),
    ...Object.entries(params).flatMap(([name, value]) => {
      const used = names.has(name) ? [] : usedIn(value, names)
      return used.slice(0, 1).map((secret) => handedOn(on, secret, name, job))
    }),
  ])
}

const usedIn = (template: string | null, names: Names): string[] => {
  const used = placeholdersOf(template ?? '').map(({ name }) => name)
  return [...new Set(used)].filter((name) => names.has(name))
}

const shownBy = (path: Path, name: string, where: string): SecretPlace => ({
  severity: 'error',
  path,
  message: `${name} is secret, and ${where} is shown`,
  hint: 'use a parameter that is not',
})

const handedOn = (on: string, secret: string, name: string, job: string): SecretPlace => ({
  severity: 'warning',
  path: [on],
  message: `the value of ${secret}, which is secret, is handed on as ${name}, which is not`,
  hint: `declare ${name} as secret under the params of ${job}`,
})
