/** `jobz keys token NAME --role ROLE`: a token for HTTP. It is shown once; its hash is all that is kept. */
import { mintToken, ROLES } from '../../../common/keys/tokens.ts'
import type { TokenEntry } from '../../../common/keys/tokens.ts'
import { listFlag, textFlag } from '../../command.ts'
import type { Cli } from '../../command.ts'
import { tokensPath } from './folder.ts'
import { putToken, tokenEntries } from './tokens-file.ts'
import { isOneOf, noneOf, refused, wrong } from './verb.ts'
import type { Outcome, Problem } from './verb.ts'
import { isoOf, nameProblem, onJobs, patternProblem, readEnd } from './words.ts'

export async function token(cli: Cli, folder: string): Promise<Outcome> {
  const [name = ''] = cli.words
  const may = readMay(cli)
  const problem = nameProblem(name)
  if (problem) return problem
  if (may.kind !== 'may') return may
  const path = tokensPath(folder)
  const read = tokenEntries(path)
  if (read.kind !== 'read') return read
  if (Object.hasOwn(read.entries, name))
    return refused(
      `there is a token ${name}`,
      `jobz keys revoke ${name} --kind token first, or choose another name`,
    )
  const { token, id, hash } = mintToken()
  putToken(path, name, { id, hash, ...may.entry })
  const { role, jobs, expires, rate } = may.entry
  return {
    kind: 'done',
    lines: [token],
    notes: [
      `${name}: ${onJobs(role, jobs)}, ${expires === undefined ? 'for ever' : `until ${expires}`}`,
      'that is the token, and it is not shown again: jobz reads it from JOBZ_TOKEN,',
      'curl -H @FILE from a file that only its user may read: Authorization: Bearer TOKEN',
    ],
    body: { name, id, token, role, jobs: jobs ?? null, expires: expires ?? null, rate },
  }
}

type May = { readonly kind: 'may'; readonly entry: Omit<TokenEntry, 'id' | 'hash'> }

function readMay(cli: Cli): May | Problem {
  const role = textFlag(cli, 'role')
  if (role === undefined) return wrong('token needs a --role', ROLES.join(', '))
  if (!isOneOf(role, ROLES)) return noneOf('role', role, ROLES)
  const jobs = listFlag(cli, 'jobs')
  const problem = patternProblem('jobs', jobs)
  if (problem) return problem
  const rate = cli.flags.get('rate')
  if (rate === 0) return wrong('--rate: 0 requests a second are none')
  const now_ms = Date.now()
  const expires = textFlag(cli, 'expires')
  const end = expires === undefined ? null : readEnd(expires, now_ms)
  if (end !== null && end.kind !== 'end') return end
  return {
    kind: 'may',
    entry: {
      role,
      ...(jobs.length > 0 ? { jobs: [...jobs] } : {}),
      ...(end === null ? {} : { expires: isoOf(end.end_ms) }),
      ...(typeof rate === 'number' ? { rate } : {}),
      since: isoOf(now_ms),
    },
  }
}
