import test from 'ava'
import { BOTH, day, semaphore, setOf, setUp, startCopy } from './copies.ts'
import { member } from './semaphores.ts'

test('a gate opens when all its members are there, and not before', async (t) => {
  const fake = await setUp(t)
  const follower = startCopy(t, fake)
  await follower.registered
  const first = fake.ended('a', 'r1', day('mon'))
  await fake.until(() => fake.places.get('both') === first.cursor)
  t.deepEqual(fake.opened, [])
  fake.ended('b', 'r2', day('tue'))
  fake.ended('other', 'r3', day('mon'))
  fake.ended('b', 'r4', day('mon'))
  await fake.until(() => fake.opened.length > 0)
  t.deepEqual(fake.opened, ['both mon 1'])
})

test('a place is saved only after its arrivals were answered', async (t) => {
  const fake = await setUp(t)
  const log: string[] = []
  fake.ended('a', 'r1', day('mon'))
  fake.ended('b', 'r2', day('mon'))
  fake.meddle = ({ kind }) => {
    log.push(kind)
    return undefined
  }
  startCopy(t, fake)
  await fake.until(() => fake.places.get('both') === '0-2')
  const saved = log.lastIndexOf('place')
  t.is(log.filter((kind) => kind === 'arrive').length, 2)
  t.true(saved > log.lastIndexOf('arrive') && saved > log.lastIndexOf('open'))
})

test('two copies side by side open each gate once', async (t) => {
  const fake = await setUp(t)
  const copies = [startCopy(t, fake), startCopy(t, fake)]
  await Promise.all(copies.map(({ registered }) => registered))
  for (let n = 0; n < 50; n += 1) {
    fake.ended('a', `a${n}`, day(`d${n}`))
    fake.ended('b', `b${n}`, day(`d${n}`))
  }
  const places = (): number => fake.broker.seen.filter(({ kind }) => kind === 'place').length
  await fake.until(() => fake.opened.length === 50 && places() >= 4)
  t.is(new Set(fake.opened).size, 50)
})

test('lost replies are asked for again, and nothing opens twice', async (t) => {
  const fake = await setUp(t)
  let n = 0
  fake.meddle = () => ((n += 1) % 3 === 0 ? 'drop' : undefined)
  startCopy(t, fake)
  for (let i = 0; i < 5; i += 1) {
    fake.ended('a', `a${i}`, day(`d${i}`))
    fake.ended('b', `b${i}`, day(`d${i}`))
  }
  await fake.until(() => fake.places.get('both') === '0-10')
  t.is(fake.opened.length, 5)
  t.is(new Set(fake.opened).size, 5)
})

test('what another copy left behind is gone on with', async (t) => {
  const fake = await setUp(t)
  fake.ended('a', 'r1', day('mon'))
  const first = startCopy(t, fake)
  await fake.until(() => fake.places.get('both') === '0-1')
  await first.close()
  fake.ended('b', 'r2', day('mon'))
  startCopy(t, fake)
  await fake.until(() => fake.opened.length > 0)
  t.deepEqual(fake.opened, ['both mon 1'])
})

test('a gate that was complete when its process died is opened by the next', async (t) => {
  const fake = await setUp(t)
  fake.places.set('both', '0-0')
  const arrivals = [
    { member: 0, distinct: null, run_id: 'r1' },
    { member: 1, distinct: null, run_id: 'r2' },
  ]
  const gathered = new Map(arrivals.map((each) => [each.run_id, each]))
  fake.gates.set('both mon', { generation: 3, isOpen: false, arrivals: gathered })
  await startCopy(t, fake).registered
  t.deepEqual(fake.opened, ['both mon 3'])
})

test('the broker may restart in the middle', async (t) => {
  const fake = await setUp(t)
  const follower = startCopy(t, fake)
  await follower.registered
  fake.ended('a', 'r1', day('mon'))
  await fake.until(() => fake.places.get('both') === '0-1')
  await fake.broker.stop()
  fake.ended('b', 'r2', day('mon'))
  await fake.broker.start()
  await fake.until(() => fake.opened.length > 0)
  t.deepEqual(fake.opened, ['both mon 1'])
})

test('a lost wake is made up for by the next head', async (t) => {
  const fake = await setUp(t)
  const follower = startCopy(t, fake)
  await follower.registered
  for (const [job, run_id] of [
    ['a', 'r1'],
    ['b', 'r2'],
  ] as const)
    fake.broker.note(
      {
        topic: `run.succeeded.${job}.`,
        job,
        run_id,
        flow_id: 'f',
        state: 'succeeded',
        params: day('mon'),
      },
      { wake: false },
    )
  fake.broker.head()
  await fake.until(() => fake.opened.length > 0)
  t.deepEqual(fake.opened, ['both mon 1'])
})

test('a gate that repeats is opened between its generations, also within one page', async (t) => {
  const fake = await setUp(t, { repeat: true })
  for (const n of [1, 2, 3]) {
    fake.ended('a', `a${n}`, day('mon'))
    fake.ended('b', `b${n}`, day('mon'))
  }
  startCopy(t, fake)
  await fake.until(() => fake.places.get('both') === '0-6')
  t.deepEqual(fake.opened, ['both mon 1', 'both mon 2', 'both mon 3'])
})

test('late arrivals, failures and missing keys are told, and open nothing', async (t) => {
  const fake = await setUp(t)
  fake.ended('a', 'r1', day('mon'))
  fake.ended('b', 'r2', day('mon'))
  fake.ended('b', 'r3', day('mon'))
  fake.ended('b', 'r4', day('tue'), 'failed')
  fake.ended('b', 'r5', {})
  startCopy(t, fake)
  await fake.until(() => fake.places.get('both') === '0-5')
  t.deepEqual(fake.opened, ['both mon 1'])
  const arrives = fake.broker.seen.filter((request) => request.kind === 'arrive')
  t.like(
    arrives.find(({ run_id }) => run_id === 'r4'),
    { failed: true, key: 'tue' },
  )
  t.like(
    arrives.find(({ run_id }) => run_id === 'r5'),
    { key: null, missing: 'date' },
  )
})

test('twelve of a kind are told apart by what is distinct', async (t) => {
  const fake = await setUp(t)
  const parts = semaphore('parts', [member('part', { count: 12, distinct: '%(source)s' })])
  const part = (n: number, run_id: string): void =>
    void fake.ended('part', run_id, { date: 'mon', source: `s${n}` })
  for (let n = 0; n < 11; n += 1) part(n, `r${n}`)
  part(0, 'again')
  startCopy(t, fake, setOf(parts))
  await fake.until(() => fake.places.get('parts') === '0-12')
  t.deepEqual(fake.opened, [])
  part(11, 'last')
  await fake.until(() => fake.opened.length > 0)
  t.deepEqual(fake.opened, ['parts mon 1'])
})

test('many entries are read page by page', async (t) => {
  const fake = await setUp(t)
  for (let n = 0; n < 1200; n += 1) fake.ended('a', `a${n}`, day(`d${n}`))
  fake.ended('b', 'last', day('d1199'))
  startCopy(t, fake)
  await fake.until(() => fake.opened.length > 0)
  t.deepEqual(fake.opened, ['both d1199 1'])
  const pages = fake.broker.seen.filter((request) => request.kind === 'replay')
  t.true(pages.length >= 3)
})

test('semaphores with places of their own are read from the least, and not told twice', async (t) => {
  const fake = await setUp(t)
  for (const n of [1, 2, 3]) fake.ended('a', `r${n}`, day('mon'))
  fake.places.set('old', '0-2')
  const set = setOf(
    semaphore('old', [member('a', { count: 9 })]),
    semaphore('new', [member('a', { count: 9 })]),
  )
  startCopy(t, fake, set)
  await fake.until(() => fake.places.get('old') === '0-3' && fake.places.get('new') === '0-3')
  const told = fake.broker.seen.flatMap((request) =>
    request.kind === 'arrive' ? `${request.semaphore} ${request.run_id}` : [],
  )
  t.deepEqual(told.sort(), ['new r1', 'new r2', 'new r3', 'old r3'])
})

test('other definitions can be taken in, while it runs', async (t) => {
  const fake = await setUp(t)
  const follower = startCopy(t, fake, new Map())
  await follower.registered
  t.deepEqual(fake.broker.seen, [])
  follower.replace(setOf(BOTH))
  await fake.until(() => fake.places.has('both'))
  follower.replace(setOf(semaphore('single', [member('a')], null)))
  await fake.until(() => fake.places.has('single'))
  fake.ended('a', 'r1', day('mon'))
  await fake.until(() => fake.opened.length > 0)
  t.deepEqual(fake.opened, ['single flow-r1 1'])
})

test('a broker that has forgotten the semaphores is told of them again', async (t) => {
  const fake = await setUp(t)
  const follower = startCopy(t, fake)
  await follower.registered
  fake.places.clear()
  fake.ended('a', 'r1', day('mon'))
  fake.ended('b', 'r2', day('mon'))
  await fake.until(() => fake.opened.length > 0)
  t.deepEqual(fake.opened, ['both mon 1'])
})

test('it waits for a broker that is not there yet, says so once, and can be closed meanwhile', async (t) => {
  const fake = await setUp(t)
  await fake.broker.stop()
  const log: string[] = []
  const follower = startCopy(t, fake, setOf(BOTH), log)
  const impatient = startCopy(t, fake)
  await impatient.close()
  await fake.broker.start()
  await follower.registered
  t.true(fake.places.has('both'))
  t.true(log.filter((line) => line.includes('waiting')).length <= 1)
})

test('a semaphore that was away for longer than the feed is kept looks at the runs, and says so', async (t) => {
  const fake = await setUp(t)
  for (const n of [1, 2, 3]) fake.ended('a', `a${n}`, day(`d${n}`))
  fake.ended('b', 'b2', day('d2'))
  fake.ended('other', 'x', day('d2'))
  fake.ended('b', 'b3', day('d3'))
  // As the broker shows of a secret: no key is made of it.
  for (const job of ['a', 'b']) fake.ended(job, `${job}4`, day('***'))
  fake.places.set('both', '0-1')
  fake.broker.forgotten = 4
  const log: string[] = []
  await startCopy(t, fake, setOf(BOTH), log).registered
  t.deepEqual(fake.opened, ['both d2 1', 'both d3 1'])
  t.true(log.some((line) => line.includes('rebuilding gates')))
})
