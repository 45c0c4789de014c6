/** `jobz keys ca [NAME]`: an authority of one's own. Who trusts its certificate trusts what `jobz keys issue` makes. */
import { makeAuthority } from '../../../common/keys/authority.ts'
import { textFlag } from '../../command.ts'
import type { Cli } from '../../command.ts'
import {
  authorityCertificatePath,
  hasAuthority,
  readAuthority,
  revokedPath,
  writeAuthority,
} from './authority-files.ts'
import { authorityFolder } from './folder.ts'
import { refused } from './verb.ts'
import type { Outcome } from './verb.ts'
import { certificateNameProblem, daysUntil, isoOf, readEnd } from './words.ts'

const DEFAULT_NAME = 'jobz'
const DEFAULT_LIFE = '3650d'

export async function ca(cli: Cli, folder: string): Promise<Outcome> {
  const [name] = cli.words
  const now_ms = Date.now()
  const end = readEnd(textFlag(cli, 'expires') ?? DEFAULT_LIFE, now_ms)
  const problem = name === undefined ? null : certificateNameProblem(name)
  if (problem) return problem
  if (end.kind !== 'end') return end
  if (hasAuthority(folder)) return shown(folder, name, 'found')
  const wanted = { name: name ?? DEFAULT_NAME, days: daysUntil(end.end_ms, now_ms) }
  await writeAuthority(folder, await makeAuthority(wanted))
  return shown(folder, name, 'made')
}

function shown(folder: string, name: string | undefined, how: 'made' | 'found'): Outcome {
  const authority = readAuthority(folder)
  if (authority.kind !== 'authority') return authority
  if (name !== undefined && name !== authority.name)
    return refused(
      `there is an authority ${authority.name} in ${authorityFolder(folder)}`,
      'another one needs another folder: --keys DIR',
    )
  const file = authorityCertificatePath(folder)
  const expires = isoOf(authority.expires.getTime())
  return {
    kind: 'done',
    lines: [file],
    notes: [
      `${how} the authority ${authority.name}, good until ${expires}: whoever has its ca.key can issue what he likes`,
      'next: jobz keys issue frontend NAME --hosts NAME,ADDRESS, and jobz keys issue client NAME',
    ],
    body: {
      name: authority.name,
      certificate: file,
      revoked: revokedPath(folder),
      expires,
      made: how === 'made',
    },
  }
}
