/** The worker daemon as a process, for tests that kill it. */
import { runDaemon } from '../../common/daemon/run.ts'
import { start, WORKER } from '../../worker/main.ts'

await runDaemon('worker', WORKER, start, process.argv.slice(2))
