/** How a map of bounded size makes room: what has stood in it for longest goes. */

/** Without a copy of the keys: at the bound this happens with every entry that comes. */
export function dropFirst(map: Map<string, unknown>): void {
  const first = map.keys().next()
  if (!first.done) map.delete(first.value)
}
