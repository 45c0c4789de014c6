/** Redirections in a shell text, and the here-documents that some of them announce. */
import { push } from './shell-parentheses.ts'
import { copy, copyOpaque, isInSubstitution, lose } from './shell-scan.ts'
import type { HereDocument, Line, Scan } from './shell-scan.ts'
import { addToWord, endWord, quoteWord } from './shell-words.ts'

const OPERATOR = /<<<|<<-|<<|<&|<>|<\(|<|>>|>&|>\||>\(|>|&>>|&>/y
/** A delimiter that every shell reads alike: one word, or one word in quotes. */
const DELIMITER = /[ \t]*(?:'([^'\n]*)'|"([^"\\$`\n]*)"|(\\?)([\w.-]+))(?=[\s;&|<>)]|$)/y
/** Expansions in a body that end on their line, whoever reads them. */
const SIMPLE_EXPANSION = /\$\([^()'"`\\\n$]*\)|\$\{[^{}'"`\\\n$]*\}|\\[`$\\]/g

/** Takes one operator, and the delimiter if it announces a here-document. */
export function readRedirect(scan: Scan, line: Line): void {
  OPERATOR.lastIndex = scan.at
  const operator = OPERATOR.exec(scan.text)?.[0] ?? ''
  if (operator.endsWith('(')) {
    // It becomes the name of a file, which is never nothing.
    quoteWord(scan, line)
    addToWord(scan, line, '\0', false)
    return push(scan, '<(', operator === '>(')
  }
  // In `2>file` the digits belong to the operator.
  if (line.word?.isPlain === true && /^\d+$/.test(line.word.text)) line.word = null
  endWord(scan, line)
  copy(scan, operator.length)
  if (operator.startsWith('&')) line.isSplit = true
  if (operator === '<<' || operator === '<<-') announce(scan, operator === '<<-')
  else line.redirect = operator
}

function announce(scan: Scan, stripsTabs: boolean): void {
  DELIMITER.lastIndex = scan.at
  const match = DELIMITER.exec(scan.text)
  const isNested = scan.frames.some(
    (frame) => frame.kind !== 'commands' || !['text', '('].includes(frame.opener),
  )
  if (match === null || isNested) return lose(scan, 'a here-document in an unusual place')
  const [whole, single, double, backslash, bare] = match
  scan.hereDocuments.push({
    end: single ?? double ?? bare ?? '',
    stripsTabs,
    isLiteral: backslash !== '',
  })
  copy(scan, whole.length)
}

/** Steps over the bodies that begin at this line. */
export function readHereDocuments(scan: Scan): void {
  if (isInSubstitution(scan)) return lose(scan, 'a here-document around $( )')
  for (const document of scan.hereDocuments) {
    const end = bodyEnd(scan, document)
    const body = scan.text.slice(scan.at, end)
    if (!document.isLiteral && /\\\n|\$[({]|`/.test(body.replace(SIMPLE_EXPANSION, ''))) {
      lose(scan, 'a here-document with commands in it')
    }
    copyOpaque(scan, end, 'inside a here-document', `write its line with printf '%s\\n' instead`)
  }
  scan.hereDocuments = []
}

/** The place after the delimiter's line; without one, a body goes to the end of the text. */
function bodyEnd(scan: Scan, document: HereDocument): number {
  for (let from = scan.at; from < scan.text.length;) {
    const found = scan.text.indexOf('\n', from)
    const to = found === -1 ? scan.text.length : found
    const line = scan.text.slice(from, to)
    if ((document.stripsTabs ? line.replace(/^\t+/, '') : line) === document.end)
      return Math.min(to + 1, scan.text.length)
    from = to + 1
  }
  return scan.text.length
}
