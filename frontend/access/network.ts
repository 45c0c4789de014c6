/** By which part of an address clients are counted: whoever has one address of IPv6 has all of its /64 network. */

const GROUPS = 8
const NETWORK_GROUPS = 4

/** The network of an address of IPv6, `2001:db8:0:1`; an address of IPv4 as it is, also one that is written as IPv6. */
export function networkOf(address: string): string {
  const [plain = ''] = address.replace(/^::ffff:(?=\d+\.)/, '').split('%')
  if (!plain.includes(':')) return plain
  // `::` stands for as many zeros as are missing.
  const [before = [], after = []] = plain
    .split('::')
    .map((part) => part.split(':').filter((group) => group !== ''))
  const zeros = Array<string>(Math.max(0, GROUPS - before.length - after.length)).fill('0')
  return [...before, ...zeros, ...after].slice(0, NETWORK_GROUPS).join(':')
}
