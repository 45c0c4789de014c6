/** A semaphore process: the real follower, reader and gate, on lines of the simulated network and in its time. */
import type { Semaphore } from '../../common/definition/card.ts'
import type { Answered, Request } from '../../common/link/request.ts'
import { createDoor } from '../../semaphore/door.ts'
import { openFollower } from '../../semaphore/follower.ts'
import { SILENT } from '../worker/silent.ts'
import type { Agenda } from './agenda.ts'
import type { Chance } from './chance.ts'
import type { Line, Net } from './net.ts'
import { openProcess, type Process } from './process.ts'
import { openRequests } from './requests.ts'
import type { Weather } from './weather.ts'

export type SemaphorePorts = {
  readonly agenda: Agenda
  readonly net: Net
  readonly chance: Chance
  readonly weather: () => Weather
  readonly count: (fault: string) => void
  readonly semaphores: ReadonlyMap<string, Semaphore>
  /** Something was said to code that goes on by promises. */
  readonly unsettled: () => void
}

export type SemaphoreProcess = {
  readonly process: Process
  readonly line: Line
  readonly start: () => void
  readonly kill: () => void
}

export function openSemaphore(name: string, ports: SemaphorePorts): SemaphoreProcess {
  const { agenda, chance, weather, count, net, unsettled } = ports
  const process = openProcess(agenda, name)
  let wake = (): void => undefined
  const requests = openRequests(process, () => line)
  const line = net.dial(name, 'client', {
    process,
    onConnect: () => wakeUp(),
    onDisconnect: () => undefined,
    onFrame: (frame) => {
      unsettled()
      requests.onFrame(frame)
    },
    onPublished: () => wakeUp(),
  })
  const wakeUp = (): void => {
    unsettled()
    wake()
  }
  const start = (): void => {
    process.rise()
    requests.clear()
    const after = (ms: number, act: () => void): (() => void) =>
      process.after(ms, () => {
        unsettled()
        act()
      })
    const link = {
      request: (request: Request, timeout_ms = 10_000) =>
        new Promise<Answered>((resolve) => {
          requests.ask(request, timeout_ms, (answered) => {
            unsettled()
            resolve(answered)
          })
          if (!chance.maybe(weather().half_page)) return
          count('semaphore ended after a word')
          kill()
        }),
    }
    const channels = new Set<string>()
    unsettled()
    const follower = openFollower({
      door: createDoor(link, SILENT, { after }),
      log: SILENT,
      semaphores: ports.semaphores,
      after,
      openSubscriber: ({ onFrame }) => {
        wake = () => onFrame('')
        return {
          subscribe: (channel) => line.subscribe([...channels.add(channel)]),
          unsubscribe: (channel) => void channels.delete(channel),
          close: () => undefined,
        }
      },
    })
    void follower.failed.then((error) => {
      throw error
    })
  }
  const kill = (): void => {
    process.die()
    wake = () => undefined
  }
  return {
    process,
    line,
    start,
    kill,
  }
}
