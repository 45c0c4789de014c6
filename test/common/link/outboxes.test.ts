import test from 'ava'
import { makeOutboxes } from '../../../common/link/outboxes.ts'

const frame = (bytes: number): Buffer => Buffer.alloc(bytes)

test('whoever does not read waits alone, and its frames stay before what comes meanwhile', (t) => {
  const outboxes = makeOutboxes({ peer_bytes: 100, all_bytes: 1_000 })
  outboxes.add('slow', 1)
  outboxes.add('quick', 2)
  t.is(outboxes.takeReady().length, 2)
  outboxes.add('slow', 3)
  t.is(outboxes.pause('slow', [frame(10)], []), null)
  outboxes.add('slow', 4)
  outboxes.add('quick', 5)
  t.deepEqual(
    outboxes.takeReady().map(([peer]) => peer),
    ['quick'],
  )
  t.true(outboxes.resume())
  t.deepEqual(outboxes.takeReady(), [
    ['slow', { frames: [frame(10)], bytes: 10, messages: [3, 4] }],
  ])
  t.false(outboxes.resume())
})

test('a peer past its bound is ended', (t) => {
  const outboxes = makeOutboxes({ peer_bytes: 100, all_bytes: 1_000 })
  t.is(outboxes.pause('slow', [frame(60), frame(40)], []), null)
  outboxes.resume()
  outboxes.takeReady()
  t.is(outboxes.pause('slow', [frame(60), frame(41)], ['more']), 'slow')
  t.false(outboxes.resume(), 'and nothing of it is left')
})

test('past the bound of all of them the one that has most is ended', (t) => {
  const outboxes = makeOutboxes({ peer_bytes: 100, all_bytes: 200 })
  t.is(outboxes.pause('a', [frame(50)], []), null)
  t.is(outboxes.pause('b', [frame(90)], []), null)
  t.is(outboxes.pause('c', [frame(70)], []), 'b')
  t.is(outboxes.pause('d', [frame(60)], []), null)
  t.is(outboxes.pause('e', [frame(90)], []), 'e')
})
