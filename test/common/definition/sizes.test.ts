import test from 'ava'
import { parseSize } from '../../../common/definition/sizes.ts'

test('a size is read as bytes, or refused', (t) => {
  t.is(parseSize('10 MiB'), 10_485_760)
  t.is(parseSize('10MiB'), 10_485_760)
  t.is(parseSize('1 GiB'), 1_073_741_824)
  t.is(parseSize('512 KiB'), 524_288)
  t.is(parseSize('7B'), 7)
  t.is(parseSize('4096'), 4096)
  t.is(parseSize(4096), 4096)
  for (const text of [
    '',
    'MiB',
    '-1',
    '1.5 MiB',
    '10 MB',
    '10 mib',
    '999999999999999 GiB',
    1.5,
    -1,
  ]) {
    t.is(parseSize(text), null, String(text))
  }
})
