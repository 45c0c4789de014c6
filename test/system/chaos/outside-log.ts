/** The log that commands append to, followed as it grows. */
import { open, readFile } from 'node:fs/promises'
import { type Line, parseLine } from './history.ts'

export type OutsideLog = {
  /** All lines so far, from the start of the file. */
  read(): Promise<Line[]>
  close(): Promise<void>
}

const LOOK_MS = 25

/** Tells of each line soon after it was written. */
export async function followLog(path: string, onLine: (line: Line) => void): Promise<OutsideLog> {
  const file = await open(path, 'a+')
  let offset = 0
  let rest = ''
  let looking: Promise<void> | null = null
  const look = async (): Promise<void> => {
    const { size } = await file.stat()
    if (size === offset) return
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(size - offset),
      0,
      size - offset,
      offset,
    )
    offset += bytesRead
    const texts = (rest + buffer.toString('utf8', 0, bytesRead)).split('\n')
    rest = texts.pop() ?? ''
    for (const text of texts) {
      const line = parseLine(text)
      if (line) onLine(line)
    }
  }
  const timer = setInterval(() => {
    looking ??= look().finally(() => (looking = null))
  }, LOOK_MS)
  return {
    read: async () =>
      (await readFile(path, 'utf8')).split('\n').flatMap((text) => parseLine(text) ?? []),
    close: async () => {
      clearInterval(timer)
      await looking
      await file.close()
    },
  }
}
