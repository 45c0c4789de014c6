/** The card of a job that does nothing, for workers on the wire. */
import type { Card, ParamRule } from '../common/definition/card.ts'

const anyValue: ParamRule = {
  type: 'safe',
  pattern: null,
  values: null,
  format: null,
  zone: null,
  default: null,
  required: false,
  allow_dash: false,
  secret: false,
  description: null,
}

export const noopCard: Card = {
  job: 'noop',
  description: null,
  topic: 'noop',
  deliver: 'one',
  offline_wait_ms: 0,
  require: 'present',
  params: { date: anyValue, source: anyValue, note: anyValue, at: anyValue },
  params_only: false,
  on_success: [],
  on_failure: [],
  on_each_success: [],
  on_each_failure: [],
  timeout_ms: null,
  kill_after_ms: 10_000,
  retries: { limit: 0, backoff_ms: 10_000, max_backoff_ms: 600_000, exit_codes: null },
  on_lost: 'retry',
  lane: 'main',
  priority: 512,
  concurrency: null,
  expires_ms: null,
  output_limit_bytes: 10 * 1024 * 1024,
}
