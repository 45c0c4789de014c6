/** The daemons in the foreground. Each room is loaded only when it is the one that runs. */
import type { DaemonCommand } from '../command.ts'

const daemon = (
  name: string,
  summary: string,
  run: (words: readonly string[]) => Promise<void>,
): DaemonCommand => ({ kind: 'daemon', name, usage: `${name} [flags]`, summary, run })

export const UP = daemon('up', 'everything on this machine, supervised', async (words) => {
  const [{ runDaemon }, { UP_SETTINGS, startUp }] = await Promise.all([
    import('../../common/daemon/run.ts'),
    import('./up.ts'),
  ])
  await runDaemon('up', UP_SETTINGS, startUp, words)
})

export const BROKER = daemon('broker', 'the broker, in the foreground', async (words) => {
  const [{ runDaemon }, room] = await Promise.all([
    import('../../common/daemon/run.ts'),
    import('../../broker/main.ts'),
  ])
  await runDaemon('broker', room.BROKER, room.start, words)
})

export const WORKER = daemon('worker', 'a worker, in the foreground', async (words) => {
  const [{ runDaemon }, room] = await Promise.all([
    import('../../common/daemon/run.ts'),
    import('../../worker/main.ts'),
  ])
  await runDaemon('worker', room.WORKER, room.start, words)
})

export const SEMAPHORE = daemon('semaphore', 'the semaphores, in the foreground', async (words) => {
  const [{ runDaemon }, room] = await Promise.all([
    import('../../common/daemon/run.ts'),
    import('../../semaphore/main.ts'),
  ])
  await runDaemon('semaphore', room.SEMAPHORE, room.start, words)
})

export const FRONTEND = daemon(
  'frontend',
  'the HTTP frontend, in the foreground',
  async (words) => {
    const [{ runDaemon }, room] = await Promise.all([
      import('../../common/daemon/run.ts'),
      import('../../frontend/main.ts'),
    ])
    await runDaemon('frontend', room.FRONTEND, room.start, words)
  },
)

export const DEMO = daemon(
  'demo',
  'up, and the pipeline of jobs/ started once and shown (npm start)',
  async (words) => {
    const [{ runDaemon }, { DEMO_SETTINGS, startDemo }] = await Promise.all([
      import('../../common/daemon/run.ts'),
      import('./demo.ts'),
    ])
    await runDaemon('demo', DEMO_SETTINGS, startDemo, words)
  },
)
