import { join } from 'node:path'
import test from 'ava'
import { seedIds } from '../../../broker/core/ids.ts'
import { loadState } from '../../../broker/core/load.ts'
import { makeCounters } from '../../../broker/edge/counters.ts'
import { openOutputs } from '../../../broker/edge/outputs.ts'
import { makeRunTokens } from '../../../broker/edge/run-tokens.ts'
import { answerQuestions } from '../../../broker/edge/questions.ts'
import { opened } from '../store/opened-history.ts'
import { born, ended, idOf } from '../store/samples.ts'

test('a flow answers while any of its runs is kept, also without its first', async (t) => {
  const second = ended(2, 'succeeded', { flow_id: idOf(1), parent_run_id: idOf(1) })
  const { store, history, directory } = opened(t, born([ended(1, 'succeeded'), second]))
  const now = () => ({ wall_ms: 0, mono_ms: 0 })
  const answer = answerQuestions({
    state: loadState(store.load(), seedIds(1, 2), now()),
    history,
    outputs: openOutputs(join(directory, 'output')),
    counters: makeCounters(),
    runTokens: makeRunTokens('secret'),
    now,
  })
  const ask = (flow_id: string) =>
    answer({ kind: 'query', id: 1, question: { what: 'flow', flow_id } })
  store.forgetRuns([idOf(1)], 1_000)
  for (const id of [idOf(1), idOf(1).slice(-8)])
    t.like(await ask(id), { result: { flow_id: idOf(1), state: 'succeeded', settled: true } })
  store.forgetRuns([idOf(2)], 1_000)
  t.like(await ask(idOf(1)), { error: { code: 'unknown_flow' } })
})
