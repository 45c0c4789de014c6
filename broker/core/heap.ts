/** A binary heap, least first: the deadlines and the queues stand in one each. */

export type Heap<T> = { readonly items: T[]; readonly before: (a: T, b: T) => boolean }

export const makeHeap = <T>(before: (a: T, b: T) => boolean): Heap<T> => ({ items: [], before })

/** For things that are due: the earlier first. */
export const earlier = (a: { readonly at_ms: number }, b: { readonly at_ms: number }): boolean =>
  a.at_ms < b.at_ms

export const peek = <T>(heap: Heap<T>): T | undefined => heap.items[0]

export function push<T>({ items, before }: Heap<T>, item: T): void {
  let at = items.length
  items.push(item)
  while (at > 0) {
    const parent = (at - 1) >> 1
    const above = items[parent] as T
    if (!before(item, above)) break
    items[at] = above
    at = parent
  }
  items[at] = item
}

export function pop<T>({ items, before }: Heap<T>): T | undefined {
  const least = items[0]
  const last = items.pop()
  if (items.length === 0 || last === undefined) return least
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= items.length) break
    if (child + 1 < items.length && before(items[child + 1] as T, items[child] as T)) child += 1
    if (!before(items[child] as T, last)) break
    items[at] = items[child] as T
    at = child
  }
  items[at] = last
  return least
}
