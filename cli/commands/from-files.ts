/**
 * Parameters whose values come from files or from standard input. What is typed is kept in the shell's history, and
 * everybody on the host can read it as long as the command runs: that is no way for a secret.
 */
import { readFile } from 'node:fs/promises'
import type { Flag } from '../../common/daemon/flags.ts'
import { usage } from '../../common/daemon/flags.ts'
import type { Usage } from '../../common/daemon/flags.ts'
import { listFlag } from '../command.ts'
import type { Cli } from '../command.ts'
import { readParameters } from './parameters.ts'
import type { Parameters } from './parameters.ts'

export const FROM_FILE: Flag = {
  flag: 'from-file',
  kind: 'list',
  help: 'NAME=PATH: a value from a file, as for a secret; - is standard input',
}

/** The `name=value` words, and what `--from-file` names. */
export async function gatherParameters(cli: Cli, words: readonly string[]): Promise<Parameters> {
  const files = listFlag(cli, 'from-file')
  // Names are looked at before any file is, so that no message holds a value.
  const read = readParameters([...words, ...files])
  if (read.kind === 'usage') return read
  if (files.filter((file) => file.endsWith('=-')).length > 1)
    return usage('--from-file: only one value can come from standard input')
  const params = { ...read.params }
  for (const file of files) {
    const cut = file.indexOf('=')
    const name = file.slice(0, cut)
    const text = await textOf(cli, file.slice(cut + 1))
    if (typeof text === 'object') return usage(`--from-file ${name}: ${text.message}`, text.hint)
    params[name] = text
  }
  return { kind: 'parameters', params }
}

/** One newline at the end is the editor's, and no part of the value. */
async function textOf(cli: Cli, path: string): Promise<string | Usage> {
  try {
    const bytes = path === '-' ? await readInput(cli) : await readFile(path)
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
      .decode(bytes)
      .replace(/\r?\n$/, '')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
      return usage('what is read is not UTF-8', 'no parameter can hold it')
    return usage(`${path} cannot be read: ${code ?? String(error)}`)
  }
}

async function readInput({ terminal }: Cli): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const part of terminal.input?.() ?? []) parts.push(part)
  return Buffer.concat(parts)
}
