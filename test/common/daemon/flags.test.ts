/** The words of a command line, read by a table. */
import test from 'ava'
import { readFlags } from '../../../common/daemon/flags.ts'
import type { Flag } from '../../../common/daemon/flags.ts'

const TABLE: readonly Flag[] = [
  { flag: 'name', kind: 'text', help: 'a name' },
  { flag: 'slots', kind: 'count', help: 'a number' },
  { flag: 'allow-root', kind: 'switch', help: 'on or off' },
  { flag: 'topics', kind: 'list', help: 'several' },
  { flag: 'wait', kind: 'optional', help: 'maybe a value' },
  { flag: 'follow', short: 'f', kind: 'switch', help: 'with a short form' },
]

const GOOD: readonly [string[], Record<string, unknown>, string[]][] = [
  [[], {}, []],
  [['--name', 'web17'], { name: 'web17' }, []],
  [['--name=web17'], { name: 'web17' }, []],
  [['--name='], { name: '' }, []],
  [['--name', '-x'], { name: '-x' }, []],
  [['--name=a=b=c'], { name: 'a=b=c' }, []],
  [['--slots', '0'], { slots: 0 }, []],
  [['--allow-root'], { 'allow-root': true }, []],
  [['--no-allow-root'], { 'allow-root': false }, []],
  [['--allow-root=no'], { 'allow-root': false }, []],
  [['--topics', 'a, b', '--topics=c'], { topics: ['a', 'b', 'c'] }, []],
  [['--wait', 'word'], { wait: '' }, ['word']],
  [['--wait=30s'], { wait: '30s' }, []],
  [['-f', 'run'], { follow: true }, ['run']],
  [['job', 'offset=-5', '--name', 'x'], { name: 'x' }, ['job', 'offset=-5']],
  [['job', '--', '--name', '-f'], {}, ['job', '--name', '-f']],
  [['-'], {}, ['-']],
]

for (const [argv, values, positionals] of GOOD)
  test(`reads ${JSON.stringify(argv)}`, (t) => {
    const read = readFlags(TABLE, argv)
    if (read.kind !== 'flags') return t.fail(read.message)
    t.deepEqual(Object.fromEntries(read.values), values)
    t.deepEqual(read.positionals, positionals)
  })

const BAD: readonly [string[], RegExp, RegExp?][] = [
  [['--nam', 'x'], /unknown flag --nam/],
  [['--slot', '3'], /unknown flag --slot/, /did you mean --slots\?/],
  [['--allow_root'], /unknown flag/, /--allow-root/],
  [['-x'], /unknown flag -x/],
  [['--no-name'], /unknown flag --no-name/],
  [['--name'], /--name needs a value/],
  [['--slots', 'many'], /"many" is no whole number/],
  [['--slots', '-1'], /no whole number/],
  [['--slots', '1e3'], /no whole number/],
  [['--slots=4294967296'], /no whole number/],
  [['--allow-root=perhaps'], /neither true nor false/],
  [['--no-allow-root=yes'], /takes no value/],
  [['--__proto__'], /unknown flag/],
]

for (const [argv, message, hint] of BAD)
  test(`refuses ${JSON.stringify(argv)}`, (t) => {
    const read = readFlags(TABLE, argv)
    if (read.kind !== 'usage') return t.fail('was read')
    t.regex(read.message, message)
    if (hint) t.regex(read.hint ?? '', hint)
  })
