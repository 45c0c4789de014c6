/** Definitions from texts, and their problems as lines, for the tests of this room. */
import type { Definitions, Job, Loaded } from '../../../common/definition/job.ts'
import { parseDefinitions } from '../../../common/definition/parse.ts'
import { showProblem } from '../../../common/definition/problem.ts'

/** Parses texts as the files a.yaml, b.yaml and c.yaml. */
export function parse(...texts: readonly string[]): Loaded {
  return parseDefinitions(
    texts.map((text, place) => ({ file: `${'abc'.charAt(place)}.yaml`, text })),
  )
}

/** Warnings of what was loaded, or what was wrong. */
export function shown(loaded: Loaded): string[] {
  return (loaded.kind === 'loaded' ? loaded.warnings : loaded.problems).map(showProblem)
}

/** What must load. */
export function definitions(...texts: readonly string[]): Definitions {
  const loaded = parse(...texts)
  if (loaded.kind === 'refused') throw new Error(shown(loaded).join('\n'))
  return loaded.definitions
}

/** The job `a`, from the lines of its definition. */
export function job(...lines: readonly string[]): Job {
  const found = definitions(
    `jobs:\n  a:\n${lines.map((line) => `    ${line}\n`).join('')}`,
  ).jobs.get('a')
  if (found === undefined) throw new Error('there is no job a')
  return found
}
