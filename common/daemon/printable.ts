/**
 * Text from outside, made safe to look at. A job's name, a message or a log may hold escape sequences that move the
 * cursor, recolour the screen or hide words; none of them may act on the terminal of who reads them.
 */

/* eslint-disable no-control-regex -- control characters are what this file is about. */

/** Colours, cursor movements, window titles and other sequences that begin with ESC (or its 8-bit forms). */
const ESCAPE_SEQUENCE =
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[PX\]^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)|\u001b[ -/]*[0-Z\\^-~]/g

/** C0 and C1 controls but tab and newline, and the marks that turn the direction of writing around. */
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g

/** Controls that JSON leaves as they are, though a terminal acts on them. */
const CONTROL_IN_JSON = /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g

/** Several lines without any escape sequence or control character; tabs and newlines stay. */
export const printableText = (text: string): string =>
  text.replaceAll('\r\n', '\n').replace(ESCAPE_SEQUENCE, '').replace(CONTROL, '')

/** One line: as `printableText`, with each newline, tab or run of them as one space. */
export const printableLine = (text: string): string => printableText(text).replace(/[\n\t]+/g, ' ')

/** JSON that may be shown on a terminal: the same values, with every control character written as `\uXXXX`. */
export const printableJson = (json: string): string => json.replace(CONTROL_IN_JSON, escaped)

const escaped = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
