/** A job's command as one would type it, with values in place where they would be. */
import { quote } from 'shell-quote'
import type { Job } from '../../common/definition/job.ts'
import { BUILT_IN_NAMES } from '../../common/definition/reserved.ts'
import { hideValues, secretValuesOf } from '../../common/definition/secrets.ts'
import { fillText } from '../../common/definition/template.ts'

/**
 * Values of which nobody is to know are shown as `***`; those that only a run has (`run_id` …) as their placeholder.
 * A shell's text refers to its values as variables: they stand in front, as one sets them for one command.
 */
export function commandText(
  job: Job,
  params: Readonly<Record<string, string>>,
  secret_names: ReadonlySet<string>,
): string {
  const { command, card } = job
  const values: Record<string, string> = Object.create(null)
  for (const name of BUILT_IN_NAMES) values[name] = `%(${name})s`
  values['job_name'] = card.job
  Object.assign(values, shownValues(params, secret_names))
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

/** The parameters with those hidden of which nobody is to know. */
export const shownValues = (
  params: Readonly<Record<string, string>>,
  secret_names: ReadonlySet<string>,
): Record<string, string> => hideValues(params, secret_names, secretValuesOf(secret_names, params))
