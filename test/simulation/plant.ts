/**
 * Plants one defect, named by the variable `JOBZ_DEFECT`, while the code is loaded:
 *
 *     JOBZ_DEFECT='a gate counts repeats' node --import ./test/simulation/plant.ts test/simulation/main.ts --first
 */
import { registerHooks } from 'node:module'
import process from 'node:process'
import { DEFECTS } from './defects.ts'

const defect = DEFECTS.find(({ name }) => name === process.env['JOBZ_DEFECT'])
if (!defect) throw new Error(`no defect is called ${process.env['JOBZ_DEFECT']}`)

registerHooks({
  load: (url, context, next) => {
    const loaded = next(url, context)
    if (!url.endsWith(`/${defect.file}`)) return loaded
    const source = Buffer.from(loaded.source as Buffer).toString('utf8')
    if (source.split(defect.find).length !== 2)
      throw new Error(`${defect.file} does not hold the place of "${defect.name}" once`)
    return { ...loaded, source: source.replace(defect.find, () => defect.replace) }
  },
})
