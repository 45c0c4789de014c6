/** How those who are not let in are told so: what is missing, never what would have been right. */
import type { Role } from '../../common/keys/tokens.ts'
import type { Failure } from '../../common/protocol/client-door.ts'
import { failure, quoted } from '../failure.ts'
import type { Identity } from './identity.ts'

const HEADER = 'curl -H "Authorization: Bearer $JOBZ_TOKEN" …; a token in a URL is not looked at'

const unauthorized = (message: string, hint: string): Failure =>
  failure(401, 'unauthorized', message, hint)

export const NO_TOKEN = unauthorized('who asks? a token is missing', HEADER)
export const NOT_BEARER = unauthorized('the Authorization header is no bearer token', HEADER)
/** One answer for a token that never was, that is no more, or that is nearly right. */
export const UNKNOWN_TOKEN = unauthorized(
  'this token is not known',
  'it may have been revoked: `jobz keys` lists those that are good',
)
export const expiredToken = (expires_ms: number): Failure =>
  unauthorized(
    `this token expired at ${new Date(expires_ms).toISOString()}`,
    '`jobz keys` makes a new one',
  )
export const BAD_CERTIFICATE = unauthorized(
  'this certificate is good no more',
  'it was revoked or has expired: `jobz keys issue client NAME` makes a new one',
)
export const STRANGE_CERTIFICATE = unauthorized(
  'this certificate names a role, or jobs, that cannot be',
  'in its subject: at most one OU=role:read|trigger|operate|admin, and OU=job:NAME for each job',
)

export const tooManyFailures = (wait_ms: number): Failure =>
  failure(
    429,
    'too_many_failures',
    'too many requests from this address had no good token',
    'try again later, with one',
    wait_ms / 1000,
  )
export const tooManyRequests = (who: Identity, wait_ms: number): Failure =>
  failure(
    429,
    'too_many_requests',
    `${who.name} may ask ${who.limit?.rate} times a second`,
    'ask more slowly; `rate` in tokens.yaml allows more',
    wait_ms / 1000,
  )

export const needsRole = (who: Identity, needed: Role): Failure =>
  failure(
    403,
    'forbidden',
    `${who.name} has the role ${who.role}, and this needs ${needed}`,
    '`jobz keys` makes tokens and certificates of each role',
  )
export const notForRuns = (who: Identity): Failure =>
  failure(
    403,
    'forbidden',
    `the token of ${who.name} is good for that run's own status, and for triggers in its flow`,
    'use a token of its own for anything else',
  )
export const notItsRun = (who: Identity, what: string): Failure =>
  failure(
    403,
    'forbidden',
    `${quoted(what)}: the token of ${who.name} is good for that run only`,
    null,
  )

/** @param job Only when the request has named it: of others' runs nothing is told. */
export const notItsJob = (who: Identity, job: string | null): Failure =>
  failure(
    403,
    'not_your_job',
    `${who.name} is limited to the jobs ${listed(who)}, and this is ${job === null ? 'none of them' : quoted(job)}`,
    null,
  )
export const needsAllJobs = (who: Identity): Failure =>
  failure(
    403,
    'not_your_job',
    `this is about all jobs, and ${who.name} is limited to the jobs ${listed(who)}`,
    null,
  )
export const sayWhichJob = (who: Identity, field: string): Failure =>
  failure(
    403,
    'not_your_job',
    `${who.name} is limited to the jobs ${listed(who)}`,
    `say which of them: ${field}=NAME`,
  )

export const FLOW_TOO_LONG = failure(
  403,
  'not_your_job',
  'this flow has more runs than can be looked at together, so nobody can say whether all of its jobs are yours',
  'name its runs one by one, or use a token for all jobs',
)

const listed = (who: Identity): string => (who.jobs ?? ['*']).slice(0, 10).join(', ')

export const fromABrowser = (sign: string): Failure =>
  failure(
    403,
    'from_a_browser',
    `${sign}: this request was made by a web page, and those may not change anything here`,
    'use curl, or the jobz command; a link that a person types in is let through',
  )
export const wrongHost = (): Failure =>
  failure(
    421,
    'wrong_host',
    'this frontend is not known by the name in the Host header',
    'add the name that you use: jobz frontend --hosts NAME (JOBZ_HOSTS)',
  )
