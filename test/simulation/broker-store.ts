/** The broker's store in a simulated world: it may fail or die around a commit, and every commit is watched. */
import type { Store } from '../../broker/store/store.ts'
import type { Run, Task } from '../../broker/core/state.ts'
import { openMemory } from '../broker/store/memory.ts'
import { Crash, type World } from './world.ts'

export function openWatchedStore(world: World): Store {
  const { faults, sabotage } = world
  const watched = watch(world, openMemory(world.disk))
  const store = sabotage.store?.(watched, world) ?? watched
  return {
    ...store,
    load: () => sabotage.alive?.(store.load()) ?? store.load(),
    commit: (records) => {
      if (faults.strikes('commit_failed')) throw new Crash('its disk failed before the commit')
      store.commit(records)
      if (faults.strikes('crash_after_commit')) throw new Crash('after a commit')
    },
  }
}

function watch(world: World, store: Store): Store {
  const { disk, judge, history } = world
  return {
    ...store,
    commit: (records) => {
      // What is kept is replaced and never changed, so what was there before needs no copy.
      const runs = new Map<string, Run | undefined>()
      for (const { run } of records.runs) runs.set(run.run_id, disk.runs.get(run.run_id))
      const tasks = new Map<string, Task | undefined>()
      for (const { run_id, n } of records.tasks)
        tasks.set(`${run_id}.${n}`, disk.tasks.get(run_id)?.get(n))
      store.commit(records)
      for (const { run } of records.runs)
        history.note(`disk: run ${run.run_id.slice(-8)} ${run.job} ${run.state} ${run.reason ?? ''}`)
      for (const task of records.tasks)
        history.note(
          `disk: task ${task.run_id.slice(-8)}.${task.n}#${task.attempt} ${task.state} on ${task.worker}`,
        )
      judge.tell.committed({
        records,
        runBefore: (run_id) => runs.get(run_id),
        taskBefore: (task_id) => tasks.get(task_id),
      })
    },
  }
}
