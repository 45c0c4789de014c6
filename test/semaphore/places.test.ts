import test from 'ava'
import { BOTH, day, setOf, setUp, startCopy } from './copies.ts'

test('what it follows is named again and again, also while nothing happens', async (t) => {
  const fake = await setUp(t)
  let places = 0
  fake.meddle = ({ kind }) => {
    if (kind === 'place') places += 1
    return undefined
  }
  startCopy(t, fake, setOf(BOTH), [], { place_ms: 1 })
  const beat = setInterval(() => fake.broker.head(), 20)
  t.teardown(() => clearInterval(beat))
  await fake.until(() => places >= 4)
  t.pass()
})

test('a semaphore that the broker knows no more is made known again', async (t) => {
  const fake = await setUp(t)
  const follower = startCopy(t, fake, setOf(BOTH), [], { place_ms: 1 })
  await follower.registered
  const { cursor } = fake.ended('a', 'r1', day('mon'))
  await fake.until(() => fake.places.get('both') === cursor)
  fake.places.delete('both')
  const beat = setInterval(() => fake.broker.head(), 20)
  t.teardown(() => clearInterval(beat))
  await fake.until(() => fake.places.has('both'))
  t.pass()
})
