/** Whatever a frame says, reading it gives a value: an exception there would end the process that reads. */
import test from 'ava'
import { AtClientDoor, ToClient } from '../../../common/protocol/client-door.ts'
import { decodeFrame } from '../../../common/protocol/codec.ts'
import { FromWorker, ToWorker } from '../../../common/protocol/worker-door.ts'

const nested = `${'['.repeat(200_000)}${']'.repeat(200_000)}`

const DOORS: Readonly<Record<string, (frame: Buffer) => unknown>> = {
  AtClientDoor: (frame) => decodeFrame(AtClientDoor, frame),
  ToClient: (frame) => decodeFrame(ToClient, frame),
  FromWorker: (frame) => decodeFrame(FromWorker, frame),
  ToWorker: (frame) => decodeFrame(ToWorker, frame),
}
for (const [name, read] of Object.entries(DOORS))
  test(`${name}: a kind that is no text is no kind`, (t) => {
    for (const kind of ['{"toString":1}', '{"valueOf":null,"toString":null}', nested, '7', 'null'])
      t.like(read(Buffer.from(`[{"kind":${kind}}]`)), {
        kind: 'frame',
        messages: [],
        skipped: { length: 1 },
      })
  })
