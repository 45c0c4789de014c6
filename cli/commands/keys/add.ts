/**
 * `jobz keys add ROLE NAME`: lets a daemon in at the broker's doors. Its pair is made here, to be moved to its host, or
 * was made there (`jobz keys make`), and only its public half comes here.
 */
import {
  addKey,
  authorisedFolder,
  authorisedPath,
  isTaken,
  keyPath,
  readBrokerKey,
} from '../../../common/keys/folder.ts'
import type { NewKey } from '../../../common/keys/folder.ts'
import { readAuthorised, writeAuthorised } from '../../../common/keys/authorised.ts'
import { KEY_ROLES, PublicKey } from '../../../common/keys/key-file.ts'
import type { KeyRole } from '../../../common/keys/key-file.ts'
import { listFlag, textFlag } from '../../command.ts'
import type { Cli } from '../../command.ts'
import { isOneOf, noneOf, refused, wrong } from './verb.ts'
import type { Outcome, Problem } from './verb.ts'
import { nameProblem, patternProblem } from './words.ts'

export async function add(cli: Cli, folder: string): Promise<Outcome> {
  const [role = '', name = ''] = cli.words
  if (!isOneOf(role, KEY_ROLES)) return noneOf('role', role, KEY_ROLES)
  const problem = nameProblem(name) ?? flagsProblem(cli, role)
  if (problem) return problem
  const broker = readBrokerKey(folder)
  if (broker.kind === 'absent')
    return refused(`the broker has no key in ${folder}`, 'jobz keys init makes it')
  if (broker.kind === 'refused') return refused(broker.message)
  if (name === 'broker') return refused("broker is the name of the broker's own key")
  if (isTaken(folder, name))
    return refused(
      `there is a key ${name}`,
      `jobz keys revoke ${name} first, or choose another name`,
    )
  const wanted: NewKey = { name, role, ...patternsOf(cli) }
  const public_key = textFlag(cli, 'public')
  if (public_key !== undefined) return authorise(folder, wanted, public_key)
  const key = addKey(folder, broker.key.public_key, wanted)
  const file = keyPath(folder, name)
  return {
    kind: 'done',
    lines: [file],
    notes: [
      `${name} ${mayDo(wanted)}`,
      `move that file to its host, readable for its user alone; there: ${useOf(role, name)}`,
    ],
    body: { ...bodyOf(folder, wanted, key.public_key), file },
  }
}

function authorise(folder: string, wanted: NewKey, public_key: string): Outcome {
  const { name, ...written } = wanted
  const holder = readAuthorised(authorisedFolder(folder)).keys.get(public_key)
  if (holder) return refused(`${holder.name} has this key already`)
  writeAuthorised(authorisedFolder(folder), name, { ...written, public_key })
  return {
    kind: 'done',
    lines: [authorisedPath(folder, name)],
    notes: [`${name} ${mayDo(wanted)}, with the key that it has`],
    body: bodyOf(folder, wanted, public_key),
  }
}

function flagsProblem(cli: Cli, role: KeyRole): Problem | null {
  const public_key = textFlag(cli, 'public')
  if (public_key !== undefined && !PublicKey.safeParse(public_key).success)
    return wrong(
      `--public: ${JSON.stringify(public_key)} is no public key`,
      "40 characters, in 'single quotes'",
    )
  for (const flag of ['topics', 'workers'] as const) {
    const patterns = listFlag(cli, flag)
    if (patterns.length > 0 && role !== 'worker') return wrong(`--${flag} is for a worker's key`)
    const problem = patternProblem(flag, patterns)
    if (problem) return problem
  }
  return null
}

function patternsOf(cli: Cli): Pick<NewKey, 'topics' | 'workers'> {
  const [topics, workers] = [listFlag(cli, 'topics'), listFlag(cli, 'workers')]
  return {
    ...(workers.length > 0 ? { workers: [...workers] } : {}),
    ...(topics.length > 0 ? { topics: [...topics] } : {}),
  }
}

function mayDo({ name, role, topics = ['every topic'], workers = [name] }: NewKey): string {
  if (role !== 'worker') return `may come in as a ${role}`
  return `may come in as a worker named ${workers.join(' or ')}, and serve ${topics.join(', ')}`
}

/** `client` is for programs of one's own. */
const useOf = (role: KeyRole, name: string): string =>
  role === 'client' ? 'its program comes in with it' : `jobz ${role} --key ${name}.key`

const bodyOf = (folder: string, { name, ...written }: NewKey, public_key: string) => ({
  name,
  ...written,
  public_key,
  authorised: authorisedPath(folder, name),
})
