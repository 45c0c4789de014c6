/** The rules of a job's parameters, checked for sense: a default that its own rule refuses is found here, not at night. */
import type { ParamRule } from './card.ts'
import { checkStepName } from './build-steps.ts'
import { formatProblem, isZone } from './dates.ts'
import { compilePattern } from './pattern.ts'
import type { Report } from './report.ts'
import type { ParamYaml } from './schema.ts'
import { checkValue } from './value-rules.ts'
import { MOST_PARAMS } from './values.ts'
import type { Path } from './yaml-tree.ts'

/** Any day will do to try out `default: today`. */
const SOME_DAY_MS = Date.UTC(2024, 1, 29, 12)

/**
 * Answers the rules by name. `used` are the names that the command has placeholders for: such a parameter is required
 * when it has no default, unless its rule says otherwise.
 */
export function buildParams(
  written: Readonly<Record<string, ParamYaml | null>>,
  used: ReadonlySet<string>,
  path: Path,
  report: Report,
): Record<string, ParamRule> {
  const names = Object.keys(written)
  if (names.length > MOST_PARAMS) {
    report.errorAtKey(path, `more than ${MOST_PARAMS} parameters`, 'pass a file instead')
  }
  return Object.fromEntries(
    names.map((name) => {
      checkStepName(name, [...path, name], report)
      const rule = buildRule(written[name] ?? {}, used.has(name))
      checkRule(rule, [...path, name], report)
      return [name, rule]
    }),
  )
}

function buildRule(written: ParamYaml, isUsed: boolean): ParamRule {
  return {
    type: written.type ?? 'safe',
    pattern: written.pattern ?? null,
    values: written.values ?? null,
    format: written.format ?? null,
    zone: written.zone ?? null,
    default: written.default ?? null,
    required: written.required ?? (isUsed && written.default === undefined),
    allow_dash: written.allow_dash ?? false,
    secret: written.secret ?? false,
    description: written.description ?? null,
  }
}

function checkRule(rule: ParamRule, path: Path, report: Report): void {
  const before = report.problems.length
  checkKeysOfType(rule, path, report)
  if (rule.pattern !== null) {
    const compiled = compilePattern(rule.pattern)
    if (compiled.kind === 'refused') {
      const hint =
        'patterns match in linear time: ( ) | [ ] . \\d \\w \\s * + ? {2,5}, and nothing that looks around or back'
      report.error([...path, 'pattern'], `the pattern is not understood: ${compiled.message}`, hint)
    }
  }
  const format = rule.format === null ? null : formatProblem(rule.format)
  if (format !== null) report.error([...path, 'format'], format, 'such as %Y-%m-%d')
  if (rule.zone !== null && !isZone(rule.zone)) {
    report.error(
      [...path, 'zone'],
      `no time zone is named ${rule.zone}`,
      'such as Europe/Berlin or UTC',
    )
  }
  // What is built on a broken rule would only repeat that it is broken.
  if (report.problems.length > before) return
  for (const [place, value] of (rule.values ?? []).entries()) {
    checkOwnValue(value, rule, [...path, 'values', place], report)
  }
  if (rule.default !== null && rule.default !== '')
    checkOwnValue(rule.default, rule, [...path, 'default'], report)
}

function checkKeysOfType(rule: ParamRule, path: Path, report: Report): void {
  if (rule.type === 'enum' && rule.values === null) {
    report.errorAtKey(path, 'an enum needs values', 'add values: [one, two]')
  }
  if (rule.type !== 'enum' && rule.values !== null) {
    report.errorAtKey(
      [...path, 'values'],
      `values are for enum, and this is ${rule.type}`,
      'add type: enum',
    )
  }
  for (const key of ['format', 'zone'] as const) {
    if (rule.type !== 'date' && rule[key] !== null) {
      report.errorAtKey(
        [...path, key],
        `${key} is for date, and this is ${rule.type}`,
        'add type: date',
      )
    }
  }
}

function checkOwnValue(value: string, rule: ParamRule, path: Path, report: Report): void {
  const checked = checkValue(value, rule, SOME_DAY_MS)
  if (checked.kind === 'good') return
  // A reload that is refused is told of in the log and to whoever asks for the workers.
  const shown = rule.secret ? 'the value (secret, not shown)' : JSON.stringify(value)
  report.error(
    path,
    `${shown} ${checked.message}, so this parameter could never have it`,
    checked.hint,
  )
}
