/**
 * Who may do what over HTTP. Each request passes twice: `enter`, before its body is read, by its headers alone; and
 * `check`, when it is known what it names.
 */
import type { IncomingMessage } from 'node:http'
import type { Response } from 'express'
import { makeBuckets } from '../../common/keys/bucket.ts'
import type { Buckets } from '../../common/keys/bucket.ts'
import { includes } from '../../common/keys/tokens.ts'
import type { Role } from '../../common/keys/tokens.ts'
import type { Failure } from '../../common/protocol/client-door.ts'
import type { BrokerLink } from '../broker-link.ts'
import { isFailure } from '../failure.ts'
import { textOf } from '../routes/route.ts'
import type { Call, Route } from '../routes/route.ts'
import { NO_TRAIL } from './audit.ts'
import type { Audit, Trail } from './audit.ts'
import { signOfBrowser } from './browser.ts'
import { ANYBODY, UNASKED } from './identity.ts'
import type { Identity } from './identity.ts'
import type { Identify } from './identify.ts'
import type { InFlight } from './in-flight.ts'
import { fromABrowser, needsRole, notForRuns, tooManyRequests } from './refusals.ts'
import { named, outOfScope } from './scope.ts'

export type Entered = { readonly who: Identity; readonly trail: Trail }

export type Access = {
  /** Null when the client left before it was known who it is: then nothing is done for it, and nothing kept. */
  enter(route: Route, res: Response): Entered | Failure | Promise<Entered | Failure | null>
  /** Why it may not do what it asks for; null when it may. `call.trail` tells of it afterwards. */
  check(route: Route, call: Call): Failure | null | Promise<Failure | null>
}

export type Rules = {
  /** Null when nobody is asked. */
  readonly identify: Identify | null
  readonly broker: BrokerLink
  readonly audit: Audit
  readonly inFlight: InFlight
  readonly clock?: () => number
}

export function createAccess(rules: Rules): Access {
  const { identify, broker, audit } = rules
  const rates = createRates(rules.clock ?? Date.now)
  const refuse = (route: Route, who: Identity | null, res: Response, why: Failure): Failure => {
    // Who is too quick is told so each time, and written down once: by the requests before.
    if (why.status !== 429) audit.refused(route.id, who, res, why.status)
    return why
  }
  const admit = (route: Route, res: Response, known: Identity | Failure): Entered | Failure => {
    if (isFailure(known)) return refuse(route, null, res, known)
    const why =
      rates.excess(known) ??
      (acts(route) ? pageProblem(res.req) : null) ??
      (route.role === 'open' ? null : lacks(route, known, route.role))
    if (why) return refuse(route, known, res, why)
    if (known.via !== 'open') rules.inFlight.add(known, res)
    return { who: known, trail: acts(route) ? audit.begin(route.id, known, res) : NO_TRAIL }
  }
  return {
    enter: (route, res) => {
      if (route.role === 'open') return { who: UNASKED, trail: NO_TRAIL }
      const known = identify === null ? ANYBODY : identify(res.req)
      return known instanceof Promise
        ? known.then((later) => (res.closed ? null : admit(route, res, later)))
        : admit(route, res, known)
    },
    check: (route, call) => {
      const { who, res } = call
      const becomes = actionOf(route, call)
      if (becomes) {
        const why = pageProblem(call.req) ?? lacks(route, who, becomes)
        if (why) return refuse(route, who, res, why)
        call.trail = audit.begin(route.id, who, res)
      }
      call.trail.about(() => targetOf(route, call), textOf(call.fields, 'request_id'))
      return who.jobs === null && who.run === null
        ? null
        : outOfScope(broker, route, call).then((why) => {
            // The line of what changes something says that it was refused.
            if (why && call.trail === NO_TRAIL) refuse(route, who, res, why)
            return why
          })
    },
  }
}

/** Whether it changes something whenever it is asked. */
const acts = ({ role }: Route): boolean => role !== 'open' && role !== 'read'

/** The role that is needed because of a field that makes an action of a question. */
const actionOf = ({ acts_with }: Route, { fields }: Call): Role | null =>
  acts_with?.fields.some((name) => textOf(fields, name) !== null) ? acts_with.role : null

function pageProblem(req: IncomingMessage): Failure | null {
  const sign = signOfBrowser(req)
  return sign === null ? null : fromABrowser(sign)
}

function lacks(route: Route, who: Identity, needed: Role): Failure | null {
  if (who.run) return route.run_token === undefined ? notForRuns(who) : null
  return includes(who.role, needed) ? null : needsRole(who, needed)
}

/** What it is done to: the named job, run or flow, or the parts of the path. */
function targetOf(route: Route, call: Call): string {
  const { scope } = route
  if (typeof scope === 'object') {
    const name = 'job' in scope ? scope.job : 'run' in scope ? scope.run : scope.flow
    return named(route, call, name) ?? ''
  }
  return [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => call.path(name)).join(' ')
}

/** Requests of each identity: so many a second, and twice that at once. */
function createRates(clock: () => number): { excess(who: Identity): Failure | null } {
  const byRate = new Map<number, Buckets>()
  const bucketsOf = (rate: number): Buckets => {
    const buckets =
      byRate.get(rate) ?? makeBuckets({ rate, burst: Math.max(1, 2 * rate), most_keys: 10_000 })
    byRate.set(rate, buckets)
    return buckets
  }
  return {
    excess: (who) => {
      if (who.limit === null) return null
      const wait_ms = bucketsOf(who.limit.rate).take(who.limit.key, clock())
      return wait_ms === 0 ? null : tooManyRequests(who, wait_ms)
    },
  }
}
