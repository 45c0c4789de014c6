/** Cards and semaphores for tests: the defaults, with what matters to a test said. */
import type { Card, Semaphore, Step } from '../../../common/definition/card.ts'

export const card = (job: string, more: Partial<Card> = {}): Card => ({
  job,
  description: null,
  topic: job,
  deliver: 'one',
  offline_wait_ms: 0,
  require: 'present',
  params: {},
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
  ...more,
})

export const step = (job: string, more: Partial<Step> = {}): Step => ({
  job,
  params: {},
  priority: null,
  delay_ms: 0,
  each: {},
  ...more,
})

export const semaphore = (
  name: string,
  more: Partial<Semaphore> & Pick<Semaphore, 'wait_for'>,
): Semaphore => ({
  name,
  key: null,
  then: [],
  timeout_ms: null,
  on_timeout: [],
  on_member_failure: 'wait',
  repeat: false,
  ...more,
})
