/** A job's command as one would type it, with values in place where they would be. */
import { quote } from 'shell-quote'
import type { Job } from '../../common/definition/job.ts'
import { BUILT_IN_NAMES } from '../../common/definition/reserved.ts'
import { fillText } from '../../common/definition/template.ts'

/**
 * Values of which nobody is to know are shown as `***`; those that only a run has (`run_id` …) as their placeholder.
 * A shell's text refers to its values as variables: they stand in front, as one sets them for one command.
 */
export function commandText(job: Job, params: Readonly<Record<string, string>>): string {
  const { command, card } = job
  const values: Record<string, string> = Object.create(null)
  for (const name of BUILT_IN_NAMES) values[name] = `%(${name})s`
  values['job_name'] = card.job
  for (const [name, value] of Object.entries(params))
    values[name] = isSecret(job, name) ? '***' : value
  if (command.kind === 'argv')
    return quote(command.argv.map((word) => (command.template ? filled(word, values) : word)))
  const used = Object.entries(values).filter(([name]) =>
    new RegExp(`\\bJOBZ_P_${name}\\b`).test(command.text),
  )
  const settings = used.map(([name, value]) => `JOBZ_P_${name}=${quote([value])}`)
  return [...settings, quote([...command.shell, command.text])].join(' ')
}

function filled(word: string, values: Readonly<Record<string, string>>): string {
  const text = fillText(word, values)
  return text.kind === 'filled' ? text.text : word
}

const isSecret = (job: Job, name: string): boolean =>
  Object.hasOwn(job.card.params, name) && job.card.params[name]?.secret === true

/** The parameters with those hidden of which nobody is to know. */
export const shownValues = (
  job: Job,
  params: Readonly<Record<string, string>>,
): Record<string, string> =>
  Object.fromEntries(
    Object.entries(params).map(([name, value]) => [name, isSecret(job, name) ? '***' : value]),
  )
