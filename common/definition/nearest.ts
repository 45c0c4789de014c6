/**
 * Finds the name somebody most likely meant. Used wherever a name is refused, so that a typing error costs one look.
 *
 * Near is strict: a wrong suggestion is worse than none, and an undeclared parameter that is near a declared one is
 * refused altogether.
 */

/** When both names are shorter than this, they are near only when they differ by case or by `_`, `-` and `.`. */
const SHORTEST = 4
/** Longer names may differ by two edits. */
const LONG = 8

/** Names of more different lengths are not looked at, which keeps this quick where it is asked for every trigger. */
const MOST_DIFFERENCE = 3

/** Answers the candidate that is really near to `name` (and not `name` itself), or null. */
export function nearestName(name: string, candidates: Iterable<string>): string | null {
  let best: string | null = null
  let best_edits = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    if (candidate === name || Math.abs(candidate.length - name.length) > MOST_DIFFERENCE) continue
    const edits = plain(candidate) === plain(name) ? 0 : nearEdits(name, candidate)
    if (edits < best_edits) {
      best = candidate
      best_edits = edits
    }
  }
  return best
}

/** The number of edits between two names that are near each other, infinity for those that are not. */
function nearEdits(left: string, right: string): number {
  const shorter = Math.min(left.length, right.length)
  const longer = Math.max(left.length, right.length)
  const allowed = longer < SHORTEST ? 0 : shorter < LONG ? 1 : 2
  if (Math.abs(left.length - right.length) > allowed) return Number.POSITIVE_INFINITY
  const edits = editDistance(left.slice(0, 200), right.slice(0, 200))
  return edits <= allowed ? edits : Number.POSITIVE_INFINITY
}

/** Insertions, deletions, replacements and swaps of neighbours that lead from one text to the other. */
function editDistance(left: string, right: string): number {
  let before: number[] = []
  let last = Array.from({ length: right.length + 1 }, (_, column) => column)
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= right.length; column += 1) {
      const same = left[row - 1] === right[column - 1]
      let edits = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      )
      const swapped = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]
      if (swapped && row > 1 && column > 1) edits = Math.min(edits, (before[column - 2] ?? 0) + 1)
      current.push(edits)
    }
    before = last
    last = current
  }
  return last[right.length] ?? 0
}

function plain(name: string): string {
  return /^[a-z0-9]*$/.test(name) ? name : name.toLowerCase().replace(/[_.-]/g, '')
}
