/**
 * The tokens of runs: what a command has as `JOBZ_TOKEN`, to speak of itself and to start what belongs to its flow. A token is the
 * run's id with a MAC over it, so that none has to be kept; whether it is still good, the run itself says.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { join } from 'node:path'
import { readPrivate, writePrivate } from '../../common/keys/private-file.ts'

export type RunTokens = {
  make(run_id: string): string
  /** Whose token it is; null when it is none of ours. */
  read(token: string): string | null
}

const FILE = 'run-tokens.secret'
const TOKEN = /^jobz_run_([0-9a-f-]{36})_([A-Za-z0-9_-]{43})$/

export function makeRunTokens(secret: string): RunTokens {
  const make = (run_id: string): string =>
    `jobz_run_${run_id}_${createHmac('sha256', secret).update(run_id).digest('base64url')}`
  return {
    make,
    read: (token) => {
      const run_id = TOKEN.exec(token)?.[1]
      if (run_id === undefined) return null
      return timingSafeEqual(Buffer.from(token), Buffer.from(make(run_id))) ? run_id : null
    },
  }
}

/** Over restarts the secret stays, as the commands do that have tokens made with it. */
export function openRunTokens(
  data: string,
): RunTokens | { readonly kind: 'refused'; readonly message: string } {
  const path = join(data, FILE)
  const read = readPrivate(path)
  if (read.kind === 'refused') return read
  if (read.kind === 'read')
    return /^[0-9a-f]{64}$/.test(read.text)
      ? makeRunTokens(read.text)
      : { kind: 'refused', message: `${path} is damaged: remove it, and a new one is made` }
  const secret = randomBytes(32).toString('hex')
  writePrivate(path, secret)
  return makeRunTokens(secret)
}
