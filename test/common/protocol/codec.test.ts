/** Whatever a frame says, reading it gives a value: an exception there would end the process that reads. */
import test from 'ava'
import { AtClientDoor, ToClient } from '../../../common/protocol/client-door.ts'
import { decodeFrame } from '../../../common/protocol/codec.ts'
import { FromWorker, ToWorker } from '../../../common/protocol/worker-door.ts'

const nested = `${'['.repeat(200_000)}${']'.repeat(200_000)}`

const SCHEMAS = { AtClientDoor, ToClient, FromWorker, ToWorker }
for (const [name, schema] of Object.entries(SCHEMAS))
  test(`${name}: a kind that is no text is no kind`, (t) => {
    for (const kind of ['{"toString":1}', '{"valueOf":null,"toString":null}', nested, '7', 'null'])
      t.like(decodeFrame(schema, Buffer.from(`[{"kind":${kind}}]`)), {
        kind: 'frame',
        messages: [],
        skipped: { length: 1 },
      })
  })
