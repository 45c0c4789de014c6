/** The feed has no gap: entries are numbered without one, and whoever follows it reads each, once and in order. */
import { hold, type MakeChecker } from '../checker.ts'

export const feed: MakeChecker = ({ facts, world }) => {
  let last = 0
  const read = new Map<string, number>()
  return {
    name: 'feed',
    committed: (commit) => {
      for (const { n } of commit.feed) {
        hold(n === last + 1, 'feed', () => `entry ${n} follows ${last}`)
        last = n
      }
    },
    read: (name, n) => {
      const before = read.get(name) ?? 0
      hold(n === before + 1, 'feed', () => `${name} read ${n} after ${before}`)
      read.set(name, n)
    },
    over: () => {
      for (const client of world.clients)
        hold(
          client.place() === facts.feed.length,
          'feed',
          () => `${client.process.name} has read ${client.place()} of ${facts.feed.length}`,
        )
    },
  }
}
