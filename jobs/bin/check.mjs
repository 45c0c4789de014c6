// Fails when two media types claim one file extension, and names them. Usage: check.mjs DATE
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { folderOf } from './catalog.mjs'

const [date] = process.argv.slice(2)
const owners = new Map()
for (const line of readFileSync(join(folderOf(date), 'types.tsv'), 'utf8')
  .split('\n')
  .filter(Boolean)) {
  const [type, list] = line.split('\t')
  for (const extension of list.split(' ').filter(Boolean))
    owners.set(extension, [...(owners.get(extension) ?? []), type])
}
const conflicts = [...owners].filter(([, types]) => types.length > 1)
for (const [extension, types] of conflicts) console.error(`.${extension}: ${types.join(', ')}`)
console.log(`${owners.size} extensions, ${conflicts.length} claimed more than once`)
process.exitCode = conflicts.length > 0 ? 1 : 0
