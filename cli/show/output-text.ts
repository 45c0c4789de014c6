/**
 * What commands wrote, on its way to the reader: byte for byte into files and pipes, and line by line where several
 * tasks mix or where a terminal must not be told what to do by what a command wrote.
 */
import { printableText } from '../../common/daemon/printable.ts'
import type { Output } from '../terminal.ts'

export type OutputWriter = {
  write(bytes: Uint8Array): void
  /** Writes what is left of a last line. */
  end(): void
}

/** A line without an end is shown in pieces of this length. */
const MAX_LINE = 64 * 1024

export const rawWriter = (output: Output): OutputWriter => ({
  write: (bytes) => output.write(bytes),
  end: () => {},
})

/** @param clean Take escape sequences and control characters out. */
export function lineWriter(output: Output, prefix: string, clean: boolean): OutputWriter {
  const decoder = new TextDecoder()
  let rest = ''
  const line = (text: string): void =>
    output.write(`${prefix}${clean ? printableText(text) : text}\n`)
  const take = (text: string): void => {
    rest += text
    // A terminal's progress bars end their lines with a bare return.
    const lines = rest.split(clean ? /\r?\n|\r(?!$)/ : '\n')
    rest = lines.pop() ?? ''
    for (const text of lines) line(text)
    while (rest.length > MAX_LINE) {
      line(rest.slice(0, MAX_LINE))
      rest = rest.slice(MAX_LINE)
    }
  }
  return {
    write: (bytes) => take(decoder.decode(bytes, { stream: true })),
    end: () => {
      take(decoder.decode())
      if (rest !== '') line(rest)
      rest = ''
    },
  }
}
