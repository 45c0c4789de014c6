/** `jobz keys init`: the folder of keys and the broker's own pair, made once and found after that. */
import { readdirSync } from 'node:fs'
import { authorisedFolder, brokerKeyPath, makeBrokerKey } from '../../../common/keys/folder.ts'
import { refused } from './verb.ts'
import type { Outcome } from './verb.ts'
import { typed } from './words.ts'

export async function init(folder: string): Promise<Outcome> {
  const read = makeBrokerKey(folder)
  if (read.kind === 'refused') return refused(read.message)
  if (read.kind === 'absent') return refused(`${brokerKeyPath(folder)} went away again`)
  const { public_key } = read.key
  const made = read.made === true
  const authorised = readdirSync(authorisedFolder(folder)).length
  return {
    kind: 'done',
    lines: [public_key],
    notes: [
      made
        ? `made ${brokerKeyPath(folder)}; above is its public half`
        : `found ${brokerKeyPath(folder)}, and ${authorised} that may come in; above is its public half`,
      `next: jobz keys add worker NAME, and jobz broker --keys ${typed(folder)}`,
    ],
    body: { folder, broker_key: public_key, made },
  }
}
