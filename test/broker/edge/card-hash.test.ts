import test from 'ava'
import { hashCard, rememberHashes } from '../../../broker/edge/card-hash.ts'
import { card } from '../core/cards.ts'

test('a card has the hash of what it says, in whatever order it says it', (t) => {
  const one = card('import', { description: 'a' })
  const turned = Object.fromEntries(Object.entries(one).toReversed()) as typeof one
  t.is(hashCard(turned), hashCard(one))
  t.not(hashCard(card('import', { description: 'b' })), hashCard(one))
})

test('remembered hashes are the same hashes, however many cards there are', (t) => {
  const hashOf = rememberHashes(10)
  for (let round = 0; round < 3; round++)
    for (let n = 0; n < 25; n++) {
      const one = card(`job-${n % 15}`, { priority: round })
      t.is(hashOf(one), hashCard(one))
    }
})
