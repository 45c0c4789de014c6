// Writes the day's report from what was counted. Usage: publish.mjs DATE
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { folderOf } from './catalog.mjs'

const [date] = process.argv.slice(2)
const folder = folderOf(date)
const counts = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')))
  .sort((a, b) => b.types - a.types)
const total = counts.reduce((sum, { types }) => sum + types, 0)
const report = join(folder, 'catalog.md')
writeFileSync(
  report,
  [
    `# Media types of ${date.replaceAll('_', '-')}`,
    '',
    `${total} types in ${counts.length} categories.`,
    '',
    '| category | types | extensions |',
    '| --- | ---: | ---: |',
    ...counts.map(
      ({ category, types, extensions }) => `| ${category} | ${types} | ${extensions} |`,
    ),
    '',
  ].join('\n'),
)
console.log(`${total} types in ${counts.length} categories: ${report}`)
if (process.env.JOBZ_OUTPUT) appendFileSync(process.env.JOBZ_OUTPUT, `report=${report}\n`)
