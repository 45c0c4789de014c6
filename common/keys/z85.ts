/** ZeroMQ's way of writing keys as text: Z85 (ZeroMQ RFC 32), five characters for four bytes. */

const ALPHABET =
  '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#'
const BASE = ALPHABET.length
const KEY_BYTES = 32
const KEY_CHARACTERS = 40

/** @param bytes Their number divides by 4. */
export function encodeZ85(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let text = ''
  for (let at = 0; at < bytes.byteLength; at += 4) {
    let value = view.getUint32(at)
    let five = ''
    for (let place = 0; place < 5; place += 1) {
      five = ALPHABET.charAt(value % BASE) + five
      value = Math.floor(value / BASE)
    }
    text += five
  }
  return text
}

/** The 32 bytes of a key; null when the text is none. */
export function decodeKey(text: string): Buffer | null {
  if (text.length !== KEY_CHARACTERS) return null
  const bytes = Buffer.alloc(KEY_BYTES)
  for (let at = 0; at < KEY_CHARACTERS; at += 5) {
    let value = 0
    for (const character of text.slice(at, at + 5)) {
      const digit = ALPHABET.indexOf(character)
      if (digit === -1) return null
      value = value * BASE + digit
    }
    if (value > 0xffffffff) return null
    bytes.writeUInt32BE(value, (at / 5) * 4)
  }
  return bytes
}
