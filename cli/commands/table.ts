/** Every command, in the order of the help. */
import type { Command } from '../command.ts'
import { BACKUP } from './backup.ts'
import { CANCEL } from './cancel.ts'
import { BROKER, DEMO, FRONTEND, SEMAPHORE, UP, WORKER } from './daemons.ts'
import { DRAIN } from './drain.ts'
import { EXPLAIN } from './explain.ts'
import { JOBS } from './jobs.ts'
import { KEYS } from './keys.ts'
import { DOCTOR } from './later.ts'
import { LOGS } from './logs.ts'
import { PLAN } from './plan.ts'
import { RETRY } from './retry.ts'
import { RUNS } from './runs.ts'
import { SEMAPHORES } from './semaphores.ts'
import { SHOW } from './show.ts'
import { START } from './start.ts'
import { VALIDATE } from './validate.ts'
import { WORKERS } from './workers.ts'

export const COMMANDS: readonly Command[] = [
  UP,
  START,
  RUNS,
  SHOW,
  LOGS,
  EXPLAIN,
  CANCEL,
  RETRY,
  WORKERS,
  JOBS,
  SEMAPHORES,
  DRAIN,
  VALIDATE,
  PLAN,
  BACKUP,
  BROKER,
  WORKER,
  SEMAPHORE,
  FRONTEND,
  DEMO,
  KEYS,
  DOCTOR,
]
