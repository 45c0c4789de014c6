/** What a client certificate says of its holder, in its subject: CN is the name, an OU the role, further OUs jobs. */
import type { PeerCertificate } from 'node:tls'
import { JobPattern, ROLES } from '../../common/keys/tokens.ts'
import type { Role } from '../../common/keys/tokens.ts'

export type Holder = {
  readonly name: string
  readonly role: Role
  readonly jobs: readonly string[] | null
}

/** An owner's own authority, made by other tools, knows nothing of roles: its certificates are for starting jobs. */
const DEFAULT_ROLE: Role = 'trigger'
const MAX_NAME = 128

/** Null when it names a role or a job that cannot be: then nobody knows what its authority meant by it. */
export function holderOf({ subject }: Pick<PeerCertificate, 'subject'>): Holder | null {
  const units = [subject.OU ?? []].flat()
  const told = (prefix: string): string[] =>
    units.flatMap((unit) => (unit.startsWith(prefix) ? unit.slice(prefix.length) : []))
  const [given = DEFAULT_ROLE, ...more] = told('role:')
  const role = ROLES.find((known) => known === given)
  const jobs = told('job:')
  if (!role || more.length > 0 || jobs.some((job) => !JobPattern.safeParse(job).success))
    return null
  const name = String([subject.CN ?? 'no name'].flat()[0]).slice(0, MAX_NAME)
  return { name, role, jobs: jobs.length > 0 ? jobs : null }
}
