/**
 * `jobz keys make ROLE NAME --broker-key KEY`: a host makes its own pair, so that its secret half never travels. What is
 * shown is the public half, for `jobz keys add ROLE NAME --public KEY` beside the broker.
 */
import { existsSync, mkdirSync } from 'node:fs'
import { KEY_ROLES, PublicKey, writeKeyFile } from '../../../common/keys/key-file.ts'
import { keyPath, newPair } from '../../../common/keys/folder.ts'
import { textFlag } from '../../command.ts'
import type { Cli } from '../../command.ts'
import { isOneOf, noneOf, refused, wrong } from './verb.ts'
import type { Outcome } from './verb.ts'
import { nameProblem } from './words.ts'

export async function make(cli: Cli): Promise<Outcome> {
  const [role = '', name = ''] = cli.words
  if (!isOneOf(role, KEY_ROLES)) return noneOf('role', role, KEY_ROLES)
  const problem = nameProblem(name)
  if (problem) return problem
  const broker_key = textFlag(cli, 'broker-key')
  if (broker_key === undefined || !PublicKey.safeParse(broker_key).success)
    return wrong(
      broker_key === undefined ? 'make needs the --broker-key' : '--broker-key is no public key',
      "what jobz keys init shows beside the broker: 40 characters, in 'single quotes'",
    )
  const folder = textFlag(cli, 'out') ?? '.'
  const file = keyPath(folder, name)
  if (existsSync(file)) return refused(`${file} is there already`, 'choose another name')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const pair = newPair()
  writeKeyFile(file, { name, role, ...pair, broker_key })
  return {
    kind: 'done',
    lines: [pair.public_key],
    notes: [
      `made ${file}; above is its public half`,
      `beside the broker: jobz keys add ${role} ${name} --public '${pair.public_key}'`,
    ],
    body: { name, role, public_key: pair.public_key, file },
  }
}
