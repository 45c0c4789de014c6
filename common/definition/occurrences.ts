/**
 * Where a form stands in a text, also where it overlaps itself, in time that grows with the text alone: who chooses both
 * must not be able to keep a daemon busy. Bytes or UTF-16 units, it is all the same.
 */

type Units = ArrayLike<number>
type Ranges = [start: number, end: number][]

/** All places in order; what overlaps or touches is one. */
export function occurrencesOf(text: Units, form: Units, from = 0): Ranges {
  const borders = bordersOf(form)
  const ranges: Ranges = []
  let matched = 0
  for (let at = from; at < text.length; at += 1) {
    matched = step(form, borders, matched, text[at])
    if (matched < form.length) continue
    const start = at + 1 - form.length
    const last = ranges.at(-1)
    if (last && start <= last[1]) last[1] = at + 1
    else ranges.push([start, at + 1])
  }
  return ranges
}

/** The length of the longest beginning of the form, short of the whole, with which the text ends. */
export function beginningAtEnd(text: Units, form: Units): number {
  const borders = bordersOf(form)
  let matched = 0
  for (let at = Math.max(0, text.length - form.length + 1); at < text.length; at += 1)
    matched = step(form, borders, matched, text[at])
  return matched
}

/** For each length, how long a shorter beginning of the form it also ends with (Knuth, Morris and Pratt). */
function bordersOf(form: Units): Int32Array {
  const borders = new Int32Array(form.length + 1)
  let matched = 0
  for (let at = 1; at < form.length; at += 1) {
    matched = step(form, borders, matched, form[at])
    borders[at + 1] = matched
  }
  return borders
}

/** How much of the form's beginning is matched after one more unit. */
function step(form: Units, borders: Int32Array, matched: number, unit: number | undefined): number {
  let length = matched === form.length ? (borders[matched] ?? 0) : matched
  while (length > 0 && form[length] !== unit) length = borders[length] ?? 0
  return form[length] === unit ? length + 1 : 0
}
