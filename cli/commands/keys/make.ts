/**
 * `jobz keys make ROLE NAME --broker-key KEY`: a host makes its own pair, so that its secret half never travels. What is
 * shown is the public half, for `jobz keys add ROLE NAME --public KEY` beside the broker.
 */
import { mkdirSync } from 'node:fs'
import { KEY_ROLES, PublicKey, readKeyFile, writeKeyFile } from '../../../common/keys/key-file.ts'
import type { KeyFile } from '../../../common/keys/key-file.ts'
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
  const found = readKeyFile(file)
  if (found.kind === 'refused') return refused(found.message)
  if (found.kind === 'key') {
    const is_same = found.key.role === role && found.key.broker_key === broker_key
    return is_same
      ? shown(found.key, file, false)
      : refused(`${file} is there already, for another role or broker`, 'choose another name')
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const key = { name, role, ...newPair(), broker_key }
  writeKeyFile(file, key)
  return shown(key, file, true)
}

function shown({ name, role, public_key }: KeyFile, file: string, made: boolean): Outcome {
  return {
    kind: 'done',
    lines: [public_key],
    notes: [
      `${made ? 'made' : 'found'} ${file}; above is its public half`,
      `beside the broker: jobz keys add ${role} ${name} --public '${public_key}'`,
    ],
    body: { name, role, public_key, file, made },
  }
}
