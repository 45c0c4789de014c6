/** What happened in a simulated world, as lines to read: the last of them are kept, and all of them make a fingerprint. */

export type History = {
  note(line: string): void
  /** The last lines, oldest first. */
  tail(): string[]
  /** Two runs of the same seed have the same; it stands for every line there was. */
  fingerprint(): string
}

const KEPT_LINES = 160

export function makeHistory(now_ms: () => number): History {
  const lines: string[] = []
  let hash = 0x811c9dc5
  let count = 0
  return {
    note: (line) => {
      const whole = `${(now_ms() / 1000).toFixed(3).padStart(9)}  ${line}`
      for (let at = 0; at < whole.length; at++)
        hash = Math.imul(hash ^ whole.charCodeAt(at), 0x01000193) >>> 0
      lines[count % KEPT_LINES] = whole
      count += 1
    },
    tail: () => [...lines.slice(count % KEPT_LINES), ...lines.slice(0, count % KEPT_LINES)],
    fingerprint: () => `${count}-${hash.toString(16).padStart(8, '0')}`,
  }
}
