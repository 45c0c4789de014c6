/** What leaves after a turn, and to whom. */
import test from 'ava'
import { secretChannels } from '../../../broker/edge/entry/channels.ts'
import { performer } from '../../../broker/edge/perform.ts'
import type { Records } from '../../../broker/core/records.ts'
import type { ToWorker } from '../../../common/protocol/worker-door.ts'

const NOTHING = { feed: [] } as unknown as Records

test('a welcome names channels only while the key may serve their topics', (t) => {
  const said: ToWorker[] = []
  const channels = secretChannels()
  const allowed = new Set(['kept', 'lost'])
  const perform = performer({
    store: { values: () => new Map() },
    secret_names: () => new Set(),
    workers: { say: (_, message) => said.push(message) },
    clients: { reply: () => undefined },
    publisher: { publish: () => undefined },
    channels,
    runTokens: { make: () => '' },
    mayFollow: (session, topic) => session === 'own' && allowed.has(topic),
  })
  // The hello came, then the key was changed: the names that its welcome would give are new ones.
  channels.rename()
  allowed.delete('lost')
  const message: ToWorker = {
    kind: 'welcome',
    protocol: 1,
    session: 'own',
    heartbeat_ms: 1,
    lease_ms: 1,
    feed: null,
    channels: { kept: 'task.kept', lost: 'task.lost' },
    draining: false,
  }
  perform([{ kind: 'say', peer: 'p', message }], NOTHING)
  perform([{ kind: 'say', peer: 'p', message: { ...message, session: 'other' } }], NOTHING)
  t.like(said, [
    { channels: { kept: channels.give('task.kept') } },
    { session: 'other', channels: {} },
  ])
  t.deepEqual(
    said.map((each) => Object.keys(Object(each).channels)),
    [['kept'], []],
  )
})
