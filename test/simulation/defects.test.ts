/** The checkers catch every defect that is planted. One that is not caught says: look at the checkers before the seeds. */
import test from 'ava'
import { DEFECTS, hunt } from './defects.ts'

/** Far more histories than any of them needs: a change of the core moves what happens in each of them. */
const HISTORIES = 300

for (const defect of DEFECTS)
  test.serial(`caught: ${defect.name}`, async (t) => {
    t.timeout(300_000)
    const { caught, said } = await hunt(defect, defect.seed, HISTORIES)
    t.true(caught, said)
    t.log(said.trim())
  })
