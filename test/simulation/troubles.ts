/** Faults from outside: processes that are killed and stopped, hosts that go down, links that break, clocks that are set. */
import type { Process } from './process.ts'
import type { World } from './story.ts'
import type { WorkerProcess } from './worker-process.ts'
import type { Weather } from './weather.ts'

export type Troubles = {
  /** No more faults; whatever is down comes back, but for a host that is gone for good. */
  end(): WorkerProcess | null
}

type Living = {
  readonly process: Process
  readonly start: () => void
  readonly kill: () => void
}

export function openTroubles(world: World, weather: () => Weather): Troubles {
  const { agenda, chance, broker, workers, semaphores, clients, net, count } = world
  const all: readonly Living[] = [broker, ...workers, ...semaphores, ...clients]
  let is_over = false
  let gone: Living | null = null

  /** Every so often, until it is over. */
  const often = (between: (weather: Weather) => number, happen: () => void): void => {
    const again = (): void => {
      if (is_over) return
      const mean_ms = between(weather())
      if (mean_ms === Infinity) return
      agenda.after(-Math.log(1 - chance.unit()) * mean_ms, () => {
        if (!is_over) happen()
        again()
      })
    }
    again()
  }
  const killOne = (): void => {
    const [what, kill] = chance.pick<readonly [string, () => void]>([
      ['broker killed', broker.kill],
      ['broker killed', broker.kill],
      ['worker killed', chance.pick(workers).kill],
      ['worker killed', chance.pick(workers).kill],
      ['worker restarted', chance.pick(workers).leave],
      ['host went down', () => chance.pick(workers).crash(false)],
      ['host set up anew', () => chance.pick(workers).crash(true)],
      ['semaphore killed', chance.pick(semaphores).kill],
      ['frontend killed', chance.pick(clients).kill],
      ['keeper killed', killKeeper],
    ])
    count(what)
    kill()
  }
  const killKeeper = (): void => {
    const { host } = chance.pick(workers)
    const running = host.running()
    if (running.length > 0) host.killKeeper(chance.pick(running))
  }
  const stopOne = (): void => {
    count('process stopped')
    // Some stops are longer than a lease.
    chance
      .pick(all)
      .process.stop(chance.maybe(0.2) ? chance.between(25_000, 70_000) : chance.between(50, 9_000))
  }
  const cutOne = (): void => {
    const line = chance.pick(net.lines())
    const ms = chance.maybe(0.2) ? chance.between(20_000, 70_000) : chance.between(0, 5_000)
    if (chance.maybe(0.5)) {
      count('link cut')
      line.cut(ms)
    } else {
      count('link frozen')
      line.freeze(ms)
    }
  }
  const setClock = (): void => {
    count('clock set')
    chance.pick(all).process.setWall(chance.pick([-3_600_000, 3_600_000, -1_000, 1_000]))
  }
  /** A supervisor: what is down is started again, soon or late. */
  const supervise = (one: Living): void => {
    if (one === gone) return
    const late = chance.maybe(weather().late_return)
    agenda.after(late ? chance.between(20_000, 120_000) : chance.between(50, 3_000), () => {
      if (!one.process.isUp()) one.start()
    })
  }
  often((rates) => rates.between_kills_ms, killOne)
  often((rates) => rates.between_stops_ms, stopOne)
  often((rates) => rates.between_cuts_ms, cutOne)
  often((rates) => rates.between_clocks_ms, setClock)
  for (const one of all) one.process.onEnd(() => supervise(one))
  return {
    end: () => {
      is_over = true
      if (!weather().gone) return null
      const worker = chance.pick(workers)
      count('host gone for good')
      gone = worker
      worker.crash(false)
      return worker
    },
  }
}
