import test from 'ava'
import { makeBuckets } from '../../../common/keys/bucket.ts'

test('a burst passes, and then as many as the rate allows', (t) => {
  const buckets = makeBuckets({ rate: 10, burst: 3, most_keys: 10 })
  t.deepEqual(
    [0, 0, 0, 0].map(() => buckets.take('a', 1000)),
    [0, 0, 0, 100],
  )
  t.is(buckets.take('a', 1050), 50)
  t.is(buckets.take('a', 1100), 0)
  t.is(buckets.take('a', 1100), 100)
})

test('each key has a bucket of its own', (t) => {
  const buckets = makeBuckets({ rate: 1, burst: 1, most_keys: 10 })
  t.is(buckets.take('a', 0), 0)
  t.is(buckets.take('b', 0), 0)
  t.is(buckets.take('a', 0), 1000)
})

test('it never holds more than a burst, however long it was quiet', (t) => {
  const buckets = makeBuckets({ rate: 100, burst: 2, most_keys: 10 })
  t.is(buckets.take('a', 0), 0)
  t.is(buckets.take('a', 1_000_000), 0)
  t.is(buckets.take('a', 1_000_000), 0)
  t.not(buckets.take('a', 1_000_000), 0)
})

test('who asks too early does not wait longer for it', (t) => {
  const buckets = makeBuckets({ rate: 1, burst: 1, most_keys: 10 })
  buckets.take('a', 0)
  for (let now = 10; now < 1000; now += 10) t.is(buckets.take('a', now), 1000 - now)
  t.is(buckets.take('a', 1000), 0)
})

test('looking takes nothing', (t) => {
  const buckets = makeBuckets({ rate: 1, burst: 1, most_keys: 10 })
  t.is(buckets.wait('a', 0), 0)
  t.is(buckets.wait('a', 0), 0)
  t.is(buckets.size, 0)
  buckets.take('a', 0)
  t.is(buckets.wait('a', 400), 600)
})

test('a clock that goes back gives nothing away', (t) => {
  const buckets = makeBuckets({ rate: 1, burst: 1, most_keys: 10 })
  buckets.take('a', 5000)
  t.is(buckets.take('a', 1000), 1000)
})

test('memory is bounded, and the busiest are remembered', (t) => {
  const buckets = makeBuckets({ rate: 1, burst: 1, most_keys: 100 })
  for (let n = 0; n < 10_000; n += 1) {
    buckets.take('busy', 0)
    buckets.take(`once ${n}`, 0)
  }
  t.is(buckets.size, 100)
  t.is(buckets.take('busy', 0), 1000)
})
