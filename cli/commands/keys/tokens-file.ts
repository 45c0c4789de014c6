/** `tokens.yaml` as it is changed: what people wrote into it beside the tokens stays. */
import { isMap, parseDocument } from 'yaml'
import type { Document } from 'yaml'
import { readPrivate, writePrivate } from '../../../common/keys/private-file.ts'
import { readTokensFile } from '../../../common/keys/tokens.ts'
import type { TokenEntry } from '../../../common/keys/tokens.ts'
import { refused } from './verb.ts'
import type { Problem } from './verb.ts'

export type TokenEntries = Readonly<Record<string, TokenEntry>>

/** The tokens of the file by their names; none when there is no file. */
export function tokenEntries(
  path: string,
): { readonly kind: 'read'; readonly entries: TokenEntries } | Problem {
  const read = readTokensFile(path)
  if (read.kind === 'refused') return refused(read.message)
  return { kind: 'read', entries: read.kind === 'absent' ? {} : read.entries }
}

export const putToken = (path: string, name: string, entry: TokenEntry): void =>
  edit(path, (document) => document.setIn(['tokens', name], document.createNode(entry)))

export const dropToken = (path: string, name: string): void =>
  edit(path, (document) => document.deleteIn(['tokens', name]))

/** The caller has read the file, and found it good. */
function edit(path: string, change: (document: Document) => void): void {
  const read = readPrivate(path)
  const document: Document = parseDocument(read.kind === 'read' ? read.text : 'tokens: {}\n')
  const tokens = document.get('tokens')
  if (isMap(tokens)) tokens.flow = false
  change(document)
  writePrivate(path, document.toString({ lineWidth: 0 }))
}
