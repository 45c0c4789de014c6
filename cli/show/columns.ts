/**
 * Tables that fit the terminal. Columns that can do without shrink first; then those that matter least are left out.
 * Into a file or pipe everything goes in full.
 */
import { printableLine } from '../../common/daemon/printable.ts'
import { paint } from '../terminal.ts'
import type { Output, Style, Terminal } from '../terminal.ts'
import { displayWidth, fit, padded } from './width.ts'

export type Column = {
  readonly title: string
  /** Numbers stand at the right. */
  readonly right?: boolean
  /** How narrow it may become; without it, it keeps its width. */
  readonly least?: number
  /** Left out when there is no room, the greatest first; without it, it always stays. */
  readonly leave?: number
}

/** A cell: its text, and how to paint it. Text from outside may be anything. */
export type Cell = string | { readonly text: string; readonly style: Style }

const GAP = '  '

/** The table as lines, with a line of titles on top. */
export function table(
  terminal: Terminal,
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
): string {
  const { out } = terminal
  const cells = rows.map((row) => row.map((cell) => clean(cell)))
  const natural = columns.map((column, index) =>
    Math.max(
      displayWidth(column.title),
      ...cells.map((row) => displayWidth(row[index]?.text ?? '')),
    ),
  )
  const widths = out.isTerminal ? fitted(columns, natural, terminal.width) : natural
  const line = (row: readonly { text: string; style?: Style }[]): string =>
    columns
      .flatMap((column, index) => {
        const width = widths[index] ?? 0
        return width === 0 ? [] : [place(out, row[index], width, column.right === true)]
      })
      .join(GAP)
      .trimEnd()
  const titles = columns.map(({ title }) => ({ text: title, style: 'bold' as const }))
  return [titles, ...cells].map((row) => `${line(row)}\n`).join('')
}

function clean(cell: Cell): { text: string; style?: Style } {
  if (typeof cell === 'string') return { text: printableLine(cell) }
  return { text: printableLine(cell.text), style: cell.style }
}

function place(
  out: Output,
  cell: { text: string; style?: Style } | undefined,
  width: number,
  right: boolean,
): string {
  const text = fit(cell?.text ?? '', width)
  // Blanks stay unpainted: an underlined or coloured gap would look like content.
  const shown = cell?.style ? paint(out, cell.style, text) : text
  return padded(text, width, right).replace(text, () => shown)
}

/** The width of each column in a terminal of `room` columns; 0 is left out. */
function fitted(columns: readonly Column[], natural: readonly number[], room: number): number[] {
  const widths = [...natural]
  const total = (): number => {
    const shown = widths.filter((width) => width > 0)
    return shown.reduce((sum, width) => sum + width, 0) + GAP.length * (shown.length - 1)
  }
  shrink(columns, widths, total, room)
  while (total() > room) {
    const last = columns
      .map((column, index) => ({ index, leave: widths[index] ? (column.leave ?? 0) : 0 }))
      .reduce((worst, column) => (column.leave > worst.leave ? column : worst))
    if (last.leave === 0) break
    widths[last.index] = 0
    for (const [index, width] of natural.entries()) if (widths[index]) widths[index] = width
    shrink(columns, widths, total, room)
  }
  return widths
}

/** Takes from the widest column that can spare some, one by one, until all fit or none can. */
function shrink(
  columns: readonly Column[],
  widths: number[],
  total: () => number,
  room: number,
): void {
  while (total() > room) {
    let widest = -1
    for (const [index, column] of columns.entries()) {
      const width = widths[index] ?? 0
      const spare = column.least !== undefined && width > column.least
      if (spare && width > (widths[widest] ?? 0)) widest = index
    }
    if (widest < 0) return
    widths[widest] = (widths[widest] ?? 0) - 1
  }
}
