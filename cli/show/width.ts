/** How many columns of a terminal a text takes, and texts cut to fit some. */

/** Characters of East Asian scripts and pictures take two columns. */
const WIDE =
  /^(?:\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}])/u
const NARROW = /^[\u0020-\u007e]*$/

const graphemes = new Intl.Segmenter()

export function displayWidth(text: string): number {
  if (NARROW.test(text)) return text.length
  let width = 0
  for (const { segment } of graphemes.segment(text)) width += WIDE.test(segment) ? 2 : 1
  return width
}

/** The text in at most `width` columns, with `…` where something was left out. */
export function fit(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  if (width < 1) return ''
  let shown = ''
  let used = 0
  for (const { segment } of graphemes.segment(text)) {
    const next = used + displayWidth(segment)
    if (next > width - 1) break
    shown += segment
    used = next
  }
  return `${shown}…`
}

export const padded = (text: string, width: number, right = false): string => {
  const blank = ' '.repeat(Math.max(0, width - displayWidth(text)))
  return right ? blank + text : text + blank
}
