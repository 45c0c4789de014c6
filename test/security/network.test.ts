/** Who has a network of IPv6 has more addresses than could ever be counted, and counts as one. */
import test from 'ava'
import { networkOf } from '../../frontend/access/network.ts'

const SAME: readonly (readonly [network: string, ...addresses: string[]])[] = [
  ['2001:db8:0:0', '2001:db8::1', '2001:db8::5:2:3:4', '2001:db8:0:0:1::', '2001:db8::'],
  ['2001:db8:0:7', '2001:db8:0:7::1', '2001:db8:0:7:1:2:3:4', '2001:db8:0:7:ffff::'],
  ['2001:db8:1:2', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::'],
  ['fe80:0:0:0', 'fe80::1%eth0', 'fe80::1:2:3:4%eth1'],
  ['0:0:0:0', '::1', '::'],
  ['192.0.2.7', '192.0.2.7', '::ffff:192.0.2.7'],
]

for (const [network, ...addresses] of SAME)
  test(`one network: ${addresses.join(', ')}`, (t) => {
    for (const address of addresses) t.is(networkOf(address), network)
  })
