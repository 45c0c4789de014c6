// Counts one category of the day's table. Usage: index.mjs DATE CATEGORY
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { folderOf } from './catalog.mjs'

const [date, category] = process.argv.slice(2)
const folder = folderOf(date)
const rows = readFileSync(join(folder, 'types.tsv'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith(`${category}/`))
  .map((line) => line.split('\t'))
const extensions = rows.flatMap(([, list]) => list.split(' ').filter(Boolean))
writeFileSync(
  join(folder, `${category}.json`),
  JSON.stringify({ category, types: rows.length, extensions: extensions.length }),
)
console.log(`${category}: ${rows.length} types, ${extensions.length} extensions`)
