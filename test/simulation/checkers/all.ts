/** Every checker: each looks after one promise. */
import type { MakeChecker } from '../checker.ts'
import { accepted } from './accepted.ts'
import { bounds } from './bounds.ts'
import { commands } from './commands.ts'
import { feed } from './feed.ts'
import { flows } from './flows.ts'
import { gates } from './gates.ts'
import { limits } from './limits.ts'
import { order } from './order.ts'
import { outcomes } from './outcomes.ts'
import { steps } from './steps.ts'

export const CHECKERS: readonly MakeChecker[] = [
  accepted,
  outcomes,
  commands,
  steps,
  gates,
  limits,
  order,
  feed,
  flows,
  bounds,
]
