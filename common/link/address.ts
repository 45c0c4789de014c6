/** The broker's three sockets stand side by side: the worker door, the client door one port on, the feed two. */

export type BrokerAddresses = {
  readonly worker: string
  readonly client: string
  readonly feed: string
}

/** `tcp://host:port` of the worker door to the addresses of all three; null when it is not of that form. */
export function brokerAddresses(worker: string): BrokerAddresses | null {
  const match = /^tcp:\/\/(\*|[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})$/.exec(worker)
  const port = Number(match?.[2])
  if (!match || port < 1 || port > 65_533) return null
  const at = (offset: number): string => `tcp://${match[1]}:${port + offset}`
  return { worker, client: at(1), feed: at(2) }
}

/** Whether only this machine can reach an address: `tcp://host:port`, or `host:port`. */
export function isLoopback(address: string): boolean {
  const host = address.replace(/^\w+:\/\//, '').replace(/:\d+$/, '')
  return host === 'localhost' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host)
}
