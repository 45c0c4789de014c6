import test from 'ava'
import { ask } from './run.ts'
import { ended, taskView } from './views.ts'

test('show tells what an attempt reported after it was given up', async (t) => {
  const attempt = {
    attempt: 1,
    worker: 'web17',
    state: 'lost' as const,
    exit_code: 0,
    signal: null,
    reason: 'gone; reported too late: succeeded',
    started_at: null,
    finished_at: null,
  }
  const lost = { state: 'lost' as const, exit_code: null, reason: 'gone', attempts: [attempt] }
  const shown = async (task: Parameters<typeof taskView>[0]): Promise<string> => {
    const routes = { 'GET /api/runs/r': { json: ended('failed', { tasks: [taskView(task)] }) } }
    return (await ask(t, ['show', 'r'], routes)).out
  }
  t.regex(await shown(lost), /web17 +lost +1 +exit 0, gone; reported too late: succeeded/)
  const plain = await shown({ ...lost, attempts: [{ ...attempt, reason: 'gone' }] })
  t.is(plain.split('web17').length, 2, 'one attempt with nothing to add is in its task’s row')
})
