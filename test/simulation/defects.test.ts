/** The checkers catch every defect that is planted. One that is not caught says: look at the checkers before the seeds. */
import test from 'ava'
import { DEFECTS, hunt } from './defects.ts'

/** More than twice as many histories as any of them needed, from the one that showed it last. */
const HISTORIES = 100

for (const defect of DEFECTS)
  test.serial(`caught: ${defect.name}`, async (t) => {
    const { caught, said } = await hunt(defect, defect.seed, HISTORIES)
    t.true(caught, said)
    t.log(said.trim())
  })
