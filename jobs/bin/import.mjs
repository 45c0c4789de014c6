// Loads the table of media types: one line per type, with its extensions. Usage: import.mjs DATE
import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { folderOf } from './catalog.mjs'

const [date] = process.argv.slice(2)
const table = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../node_modules/mime-db/db.json'), 'utf8'),
)
const lines = Object.entries(table).map(
  ([type, { extensions = [] }]) => `${type}\t${extensions.join(' ')}`,
)

// Written whole under its final name, so that a step that comes too early never reads half a table.
const file = join(folderOf(date), 'types.tsv')
writeFileSync(`${file}.new`, `${lines.join('\n')}\n`)
renameSync(`${file}.new`, file)
console.log(`${lines.length} media types of ${date}`)
if (process.env.JOBZ_OUTPUT) appendFileSync(process.env.JOBZ_OUTPUT, `types=${lines.length}\n`)
