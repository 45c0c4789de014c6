/** The one place where the broker reads clocks. */
import type { Now } from '../core/event.ts'

export const readClock = (): Now => ({ wall_ms: Date.now(), mono_ms: performance.now() })
