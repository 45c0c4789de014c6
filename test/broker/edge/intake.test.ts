import test from 'ava'
import { INTAKE_BYTES, openIntake } from '../../../broker/edge/intake.ts'

test('a door is full at so many bytes until all of them are decided', (t) => {
  let events = 0
  const intake = openIntake(() => events)
  for (let n = 0; n < 8; n++) {
    t.false(intake.isFull())
    intake.took(INTAKE_BYTES / 8)
    events += 1
  }
  t.true(intake.isFull())
  events = 1
  t.true(intake.isFull(), 'some of it still waits')
  events = 0
  t.false(intake.isFull())
  intake.took(1)
  events = 1
  t.false(intake.isFull(), 'what was decided counts no more')
})

test('and at so many events', (t) => {
  let events = 9_999
  const intake = openIntake(() => events)
  t.false(intake.isFull())
  events = 10_000
  t.true(intake.isFull())
})
