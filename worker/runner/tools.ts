/** Programs of the system that some jobs need, found where commands find theirs. */
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'

type Environment = Readonly<Record<string, string>>

/** The whole path of a program; null when no folder of PATH has it. */
export function findTool(name: string, { PATH = '' }: Environment): string | null {
  const found = PATH.split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
  return found.find(isProgram) ?? null
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
