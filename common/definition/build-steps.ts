/** Next steps as they are written (a name, a list, or with parameters) made into the one form that a card has. */
import { combinationsOf, MOST_COMBINATIONS, type Step } from './card.ts'
import { parseDuration } from './durations.ts'
import type { Report } from './report.ts'
import { BUILT_IN_NAMES, RESERVED_NAMES } from './reserved.ts'
import type { StepsYaml } from './schema.ts'
import type { Path } from './yaml-tree.ts'

/** Answers the steps of one key; `path` is where they are written. */
export function buildSteps(written: StepsYaml | undefined, path: Path, report: Report): Step[] {
  if (written === undefined) return []
  if (!Array.isArray(written)) return [buildStep(written, path, report)]
  return written.map((one, place) => buildStep(one, [...path, place], report))
}

function buildStep(written: Exclude<StepsYaml, unknown[]>, path: Path, report: Report): Step {
  if (typeof written === 'string') {
    return { job: written, params: {}, priority: null, delay_ms: 0, each: {} }
  }
  const params = { ...written.params }
  const each = { ...written.each }
  for (const [key, record] of Object.entries({ params, each })) {
    for (const name of Object.keys(record)) checkStepName(name, [...path, key, name], report)
  }
  const both = Object.keys(each).find((name) => Object.hasOwn(params, name))
  if (both !== undefined) {
    report.errorAtKey(
      [...path, 'each', both],
      `${both} is in params and in each`,
      'keep one of them',
    )
  }
  const combinations = combinationsOf({ each })
  if (combinations > MOST_COMBINATIONS) {
    const message = `each makes ${combinations} combinations, more than ${MOST_COMBINATIONS}`
    report.errorAtKey([...path, 'each'], message, 'split it over two steps')
  }
  return {
    job: written.job,
    params,
    priority: written.priority ?? null,
    delay_ms: parseDuration(written.delay ?? 0) ?? 0,
    each,
  }
}

/** Refuses names of parameters that already mean something. */
export function checkStepName(name: string, path: Path, report: Report): void {
  if (RESERVED_NAMES.has(name)) {
    report.errorAtKey(
      path,
      `${name} is reserved for triggers, so no parameter may have this name`,
      'choose another name',
    )
  } else if (BUILT_IN_NAMES.has(name)) {
    report.errorAtKey(
      path,
      `${name} is built in, so no parameter may have this name`,
      'it needs no declaration',
    )
  }
}
