/** `jobz keys revoke NAME`: takes from somebody what lets him in. The daemons look at these files every second. */
import { textFlag } from '../../command.ts'
import type { Cli } from '../../command.ts'
import { nearestName } from '../../../common/definition/nearest.ts'
import { HELD_KINDS, held } from './held.ts'
import type { Held, HeldKind } from './held.ts'
import { isOneOf, noneOf, refused, wrong } from './verb.ts'
import type { Outcome, Problem } from './verb.ts'
import { nameProblem } from './words.ts'

export async function revoke(cli: Cli, folder: string): Promise<Outcome> {
  const [name = ''] = cli.words
  const serial = textFlag(cli, 'serial')?.toUpperCase()
  const asked = textFlag(cli, 'kind') ?? (serial === undefined ? undefined : 'certificate')
  const problem = nameProblem(name)
  if (problem) return problem
  if (asked !== undefined && !isOneOf(asked, HELD_KINDS)) return noneOf('kind', asked, HELD_KINDS)
  if (serial !== undefined && asked !== 'certificate') return wrong('--serial is of a certificate')
  const read = readAll(folder, asked === undefined ? HELD_KINDS : [asked])
  if (read.kind !== 'all') return read
  const all = read.all.filter((one) => one.name === name)
  // What is over already counts only where nothing else is meant.
  const live = all.filter((one) => one.live)
  const [first, ...others] = live.length > 0 ? live : all
  if (first === undefined) return unknown(name, asked, read.all)
  const kinds = [first, ...others].map(({ kind }) => kind)
  if (others.length > 0)
    return wrong(`${name} is a ${kinds.join(' and a ')}`, `which one? --kind ${kinds.join('|')}`)
  return first.revoke(serial)
}

function readAll(
  folder: string,
  kinds: readonly HeldKind[],
): { readonly kind: 'all'; readonly all: readonly Held[] } | Problem {
  const all: Held[] = []
  for (const kind of kinds) {
    const read = held(folder, kind)
    if (read.kind !== 'held') return read
    all.push(...read.held)
  }
  return { kind: 'all', all }
}

function unknown(name: string, kind: string | undefined, all: readonly Held[]): Problem {
  const near = nearestName(
    name,
    all.map((one) => one.name),
  )
  return refused(
    `there is no ${kind ?? 'key, token or certificate'} ${name}`,
    near === null ? 'jobz keys lists them' : `did you mean ${near}?`,
  )
}
