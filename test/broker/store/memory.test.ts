import test from 'ava'
import { conformance } from './conformance.ts'
import { memoryDisk, openMemory } from './memory.ts'
import { born, sampleRun } from './samples.ts'

conformance(test, () => {
  const disk = memoryDisk()
  return { open: () => openMemory(disk), remove: () => undefined }
})

test('a disk that fails before a commit keeps what was there', (t) => {
  const disk = memoryDisk()
  const store = openMemory(disk, (records) => {
    if (records.runs.length > 1) throw new Error('no room')
  })
  store.commit(born([sampleRun(1)]))
  t.throws(() => store.commit(born([sampleRun(2), sampleRun(3)])), { message: 'no room' })
  t.is(openMemory(disk).load().runs.length, 1)
})
