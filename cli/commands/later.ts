/** Commands that are promised and not there yet: their names are kept, and they say so. */
import type { ClientCommand } from '../command.ts'
import { EXIT } from '../exit-codes.ts'

const later = (name: string, summary: string): ClientCommand => ({
  kind: 'client',
  name,
  usage: name,
  summary: `${summary} (comes later)`,
  takes: [0, Number.POSITIVE_INFINITY],
  flags: [],
  run: async (cli) => {
    cli.terminal.err.write(`jobz: ${name} comes later; this version does not have it\n`)
    return EXIT.usage
  },
})

export const DOCTOR = later('doctor', 'looks for what is wrong with an installation')
