/** What the file system says no to, in words. */
import { refused } from './verb.ts'
import type { Problem } from './verb.ts'

const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'you may not',
  EPERM: 'you may not',
  ENOENT: 'it is not there',
  ENOSPC: 'the disk is full',
  EROFS: 'the file system is read only',
  ENOTDIR: 'something on its way is no folder',
  EISDIR: 'it is a folder',
}

/** The refusal for an error of the file system; null for every other error. */
export function troubleOf(error: unknown): Problem | null {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return null
  const { code, path } = error as NodeJS.ErrnoException
  const why = WORDS[code ?? ''] ?? 'it cannot be done'
  return refused(`${path ?? 'the folder'} cannot be read or written: ${why} (${code})`)
}

export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : ''
