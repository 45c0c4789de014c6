/** A log that says nothing. */
import type { Log } from '../../common/daemon/log.ts'

const nothing = (): void => undefined
export const SILENT: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing }
