/** Cards are told apart by what they say: a hash over the card with its keys in order. */
import { createHash } from 'node:crypto'
import type { Card } from '../../common/definition/card.ts'

/** 16 hexadecimal digits; two different cards of a company never meet in it by chance. */
export const hashCard = (card: Card): string =>
  createHash('sha256')
    .update(JSON.stringify(inOrder(card)))
    .digest('hex')
    .slice(0, 16)

function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => inOrder(item))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return entries.map(([key, item]) => [key, inOrder(item)])
}

/** Cards that were hashed before, as text: five hundred workers that come back announce the same ones. */
const REMEMBERED = 10_000

/** The same, remembered: looking a card up takes a tenth of hashing it. */
export function rememberHashes(most: number = REMEMBERED): (card: Card) => string {
  const known = new Map<string, string>()
  return (card) => {
    const text = JSON.stringify(card)
    const hash = known.get(text) ?? hashCard(card)
    if (known.size >= most && !known.has(text)) known.clear()
    known.set(text, hash)
    return hash
  }
}
