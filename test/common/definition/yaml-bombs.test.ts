/**
 * Texts that are made to crash or to stall whoever parses them. Each is as large as a file may be; what matters is that
 * it is refused, for the right reason, and that the parser is never called on one that is nested too deep.
 */
import test from 'ava'
import * as fc from 'fast-check'
import { isMap, isPair, isSeq, parseDocument } from 'yaml'
import { readConfigFile } from '../../../common/daemon/config-file.ts'
import { excessOf, MOST_BYTES } from '../../../common/definition/yaml-bounds.ts'
import { readTree } from '../../../common/definition/yaml-tree.ts'
import { parse, shown } from './parsing.ts'

/** As often as it fits; less where each one is a problem of its own, and takes its time to be told. */
const many = (text: string, bytes = MOST_BYTES - 20): string =>
  text.repeat(Math.floor(bytes / Buffer.byteLength(text)))
const SOME = 16 * 1024

/** One line after the other, each from its number, as many as fit. */
function lines(line: (number: number) => string): string {
  let text = ''
  for (let number = 0; ; number += 1) {
    const next = line(number)
    if (text.length + next.length > MOST_BYTES - 20) return text
    text += next
  }
}

const DEEP = /nested deeper than 32 levels/

/** Why both a file of jobs and a jobz.yaml are refused; nothing of them is run or read. */
const BOMBS: Readonly<Record<string, readonly [string, RegExp]>> = {
  brackets: [many('['), DEEP],
  braces: [many('{'), DEEP],
  'maps in braces': [many('{a: '), DEEP],
  'both brackets': [many('[{'), DEEP],
  dashes: [many('- '), DEEP],
  'dashes further and further in': [lines((n) => `${' '.repeat(n)}-\n`), DEEP],
  'keys further and further in': [lines((n) => `${' '.repeat(n)}a:\n`), DEEP],
  'lists of maps': [lines((n) => `${' '.repeat(n * 2)}- a:\n`), DEEP],
  'keys that are keys': [many('? '), DEEP],
  'keys that are keys, in brackets': [`[${many('? ', SOME)}`, /Unexpected/],
  'values without keys': [many(': '), DEEP],
  'values of values in braces': [`{${many(`a: 'b':"a": `)}`, DEEP],
  'values of values after line breaks': [many('a: <<: :\n[] #c\n'), DEEP],
  'dashes in brackets in dashes': [many('- ['), DEEP],
  'the 33rd level': [`${'['.repeat(33)}${']'.repeat(33)}`, DEEP],
  'one byte too many': [' '.repeat(MOST_BYTES + 1), /larger than 256 KiB/],
  'too many bytes in fewer characters': ['é'.repeat(MOST_BYTES / 2 + 1), /larger than 256 KiB/],
  'a laugh that grows with each line': [
    lines((n) =>
      n === 0 ? 'a0: &a0 [x]\n' : `a${n}: &a${n} [*a${n - 1},*a${n - 1},*a${n - 1}]\n`,
    ),
    /anchors are not read/,
  ],
  aliases: [`- &a x\n${many('- *a\n', SOME)}`, /anchors are not read/],
  'an alias of itself': ['a: &a [*a]', /anchors are not read/],
  'an alias of nothing': ['a: *b', /alias/i],
  anchors: [many('&a ', SOME), /anchor/],
  'merge keys': [`a: &a {x: 1}\n${lines((n) => `b${n}: {<<: *a}\n`)}`, /anchors are not read/],
  tags: [many('!!str ', SOME), /tag/],
  'a tag that makes something': ['a: !!js/function "pwned"', /tag/i],
  'a tag that is a text': ['a: !!str 1', /tags are not read/],
  'a tag that is a map': ['!!map {a: 1}', /tags are not read/],
  'a binary': ['a: !!binary aGFsbG8=', /tag/i],
  directives: [many('%\n', SOME), /directive/i],
  'YAML 1.1': ['%YAML 1.1\n---\na: yes', /YAML 1\.1 is not read/],
  documents: [many('---\n', SOME), /multiple documents/],
  'two documents': ['a: 1\n---\nb: 2', /multiple documents/],
  'closing brackets': [many(']', SOME), /flow-seq-end|Unexpected/],
  quotes: [many('"', SOME), /Unexpected|double-quoted/],
  'a quote that stays open': [`a: "${many('\\\n', SOME)}`, /closing/],
  'line breaks and no end': [`a: [${many('\n', SOME)}`, /flow|Flow|bracket|end/],
  'a tab for a blank': ['a:\n\tb: 1', /[Tt]ab/],
  'a key that is a list': ['? [a]\n: 1', /a key is a plain text/],
  'a key that is a map': ['{a: 1}: 2', /a key is a plain text/],
  'the key of an object’s nature': ['__proto__: {a: 1}', /__proto__ is no name/],
  'a key that comes again': ['a: 1\n"a": 2', /given twice/],
  'a reserved character': ['a: @b', /[Pp]lain value/],
  'a byte that is no text': ['a: "\\xZZ"', /escape/i],
}

for (const [name, [text, said]] of Object.entries(BOMBS))
  test(`${name}: refused in a file of jobs and in jobz.yaml`, (t) => {
    const problems = shown(parse(text))
    t.regex(problems[0] ?? '', said)
    t.true(problems.length <= 100, `${problems.length} problems`)
    const config = readConfigFile('jobz.yaml', text, 'broker', [])
    t.is(config.kind, 'usage')
    if (config.kind === 'usage') t.regex(config.message, said)
  })

/** Large, and harmless: read as they are, in both. */
const LARGE: Readonly<Record<string, string>> = {
  'many keys': lines((n) => `k${n}: 1\n`),
  'many keys in braces': `{${lines((n) => `k${n}: 1, `)}}`,
  'many values': `a: [${many('b,')}]`,
  'many empty lists': `a: [${many('[],')}]`,
  'a long line': `a: ${many('x')}`,
  'a long key': `${'k'.repeat(1000)}: 1`,
  'a long quoted text': `a: "${many('\\u0041')}"`,
  'a long block': `a: |\n${many(' x\n')}`,
  comments: `${many('# a\n')}a: 1`,
  'line breaks of another world': `a: 1\r\nb:\r\n  c: |\r\n    x\r\n    y\r\n`,
  'a mark of the byte order': '\ufeffa: 1\n',
  '32 levels': `${'['.repeat(31)}a${']'.repeat(31)}`,
}

for (const [name, text] of Object.entries(LARGE))
  test(`${name}: read`, (t) => {
    t.is(excessOf(text), null)
    t.is(readTree('a.yaml', text, 'all').kind, 'read')
  })

/** Pieces of which deep texts are made, by ways that nobody writes. */
const PIECES =
  '- |-\n|? |?\n|: |:\n|a: |a:\n|a|"a": |\'b\':|[|{|]|}|, |\n| |  |\t|#c\n|&a |!t |*a |>\n|---\n|--- |...\n|\r\n|"a\n b": |{?|[?|<<: |[] |{}: |[a]: |-\t|:\t|?\t|"":|\ufeff'
    .split('|')
    .concat('|\n')

test('what is let through is never deeper than it may be, whatever it is made of', (t) => {
  const piece = fc.constantFrom(...PIECES)
  const text = fc
    .record({
      head: fc.array(piece, { maxLength: 3 }),
      unit: fc.array(piece, { minLength: 1, maxLength: 5 }),
      times: fc.integer({ min: 1, max: 120 }),
      step: fc.integer({ min: 0, max: 3 }),
      wrap: fc.integer({ min: 1, max: 60 }),
    })
    .map(({ head, unit, times, step, wrap }) =>
      Array.from({ length: times }, (_, n) => ' '.repeat((n % wrap) * step) + unit.join('')).reduce(
        (whole, part) => whole + part,
        head.join(''),
      ),
    )
  let read = 0
  fc.assert(
    fc.property(text, (one) => {
      if (excessOf(one) !== null) return
      read += 1
      const { contents } = parseDocument(one, { uniqueKeys: false, prettyErrors: false })
      // In `[a: [b: …]]` each bracket is two levels, a list and a map, and one step of the parser.
      t.true(depthOf(contents) <= 65, one)
      t.notThrows(() => parse(one))
    }),
    { seed: 20_261_126, numRuns: 1_500 },
  )
  t.true(read > 300, `${read} texts were let through`)
})

/** The levels of what was parsed, counted without going down by calls. */
function depthOf(root: unknown): number {
  let deepest = 0
  const open: (readonly [unknown, number])[] = [[root, 0]]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [node, depth] = next
    deepest = Math.max(deepest, depth)
    if (!isMap(node) && !isSeq(node)) continue
    for (const item of node.items) {
      for (const inner of isPair(item) ? [item.key, item.value] : [item])
        open.push([inner, depth + 1])
    }
  }
  return deepest
}
