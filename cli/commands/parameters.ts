/** `name=value` words of a command line, as the parameters of a trigger. */
import { usage } from '../../common/daemon/flags.ts'
import type { Usage } from '../../common/daemon/flags.ts'
import { RESERVED_NAMES } from '../../common/definition/reserved.ts'

export type Parameters =
  { readonly kind: 'parameters'; readonly params: Readonly<Record<string, string>> } | Usage

/** Reserved names that are flags of `jobz start`, and what to type instead. */
const FLAG_FOR: Readonly<Record<string, string>> = {
  request_id: '--request-id',
  priority: '--priority',
  delay: '--delay',
  parent_run_id: '--parent',
  wait: '--wait',
  follow: '--follow',
  of: '--flow',
}

/** Reads the words after a job's name. Values may hold anything, further `=` too. */
export function readParameters(words: readonly string[]): Parameters {
  const params: Record<string, string> = Object.create(null)
  for (const word of words) {
    const cut = word.indexOf('=')
    const name = word.slice(0, cut)
    if (cut < 0) return usage(`${JSON.stringify(word)} has no value`, `type: ${word}=VALUE`)
    if (cut === 0) return usage('a word that begins with = has no name', 'type: NAME=VALUE')
    if (RESERVED_NAMES.has(name)) return reserved(name, word.slice(cut + 1))
    if (name in params) return usage(`${name} is given twice`)
    params[name] = word.slice(cut + 1)
  }
  return { kind: 'parameters', params }
}

function reserved(name: string, value: string): Usage {
  const flag = Object.hasOwn(FLAG_FOR, name) ? FLAG_FOR[name] : undefined
  const hint = flag ? `type: ${flag}${value === '' ? '' : `=${value}`}` : 'choose another name'
  return usage(`${name} is no parameter: jobz keeps the name for itself`, hint)
}
