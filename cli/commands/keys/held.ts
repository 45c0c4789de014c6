/** What may be taken from somebody, of each kind, and how that is done. */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { ENDING } from '../../../common/keys/authorised.ts'
import { authorisedFolder, authorisedPath, keyPath } from '../../../common/keys/folder.ts'
import { readPrivate } from '../../../common/keys/private-file.ts'
import {
  certificateKeyPath,
  certificateOf,
  certificatePath,
  readAuthority,
  readIssued,
  revokedPath,
  writeIssued,
} from './authority-files.ts'
import type { Issued } from './authority-files.ts'
import { authorityFolder, tokensPath } from './folder.ts'
import { dropToken, tokenEntries } from './tokens-file.ts'
import { refused } from './verb.ts'
import type { Outcome, Problem } from './verb.ts'
import { isoOf } from './words.ts'

export const HELD_KINDS = ['key', 'token', 'certificate'] as const
export type HeldKind = (typeof HELD_KINDS)[number]

export type Held = {
  readonly kind: HeldKind
  readonly name: string
  /** It lets somebody in as yet. */
  readonly live: boolean
  /** @param serial Only this one, of several certificates of this name. */
  readonly revoke: (serial?: string) => Outcome | Promise<Outcome>
}

type ReadHeld = { readonly kind: 'held'; readonly held: readonly Held[] } | Problem

export const held = (folder: string, kind: HeldKind): ReadHeld => READERS[kind](folder)

const READERS: Readonly<Record<HeldKind, (folder: string) => ReadHeld>> = {
  key: keys,
  token: tokens,
  certificate: certificates,
}

/** By the names of the files: one that cannot be read must be as easy to take away as any other. */
function keys(folder: string): ReadHeld {
  const names = [
    ...namesIn(authorisedFolder(folder), ENDING),
    ...namesIn(folder, '.key').filter((name) => name !== 'broker'),
  ]
  return {
    kind: 'held',
    held: [...new Set(names)].map((name) => ({
      kind: 'key',
      name,
      live: true,
      revoke: () => revokeKey(folder, name),
    })),
  }
}

const namesIn = (place: string, ending: string): string[] =>
  existsSync(place)
    ? readdirSync(place)
        .filter((file) => file.endsWith(ending))
        .map((file) => file.slice(0, -ending.length))
    : []

function revokeKey(folder: string, name: string): Outcome {
  const authorised = authorisedPath(folder, name)
  const secret = name === 'broker' ? [] : [keyPath(folder, name)]
  const removed = [authorised, ...secret].filter((file) => existsSync(file))
  for (const file of removed) rmSync(file)
  return done(`the key ${name} lets nobody in any more: its sessions end within a second`, {
    kind: 'key',
    name,
    removed,
  })
}

function tokens(folder: string): ReadHeld {
  const path = tokensPath(folder)
  const read = tokenEntries(path)
  if (read.kind !== 'read') return read
  return {
    kind: 'held',
    held: Object.keys(read.entries).map((name) => ({
      kind: 'token',
      name,
      live: true,
      revoke: () => {
        dropToken(path, name)
        return done(`the token ${name} is good no more: frontends refuse it within a second`, {
          kind: 'token',
          name,
        })
      },
    })),
  }
}

function certificates(folder: string): ReadHeld {
  const read = readIssued(folder)
  if (read.kind !== 'issued') return read
  const { issued } = read
  return {
    kind: 'held',
    held: [...new Set(issued.map(({ name }) => name))].map((name) => ({
      kind: 'certificate',
      name,
      live: issued.some((one) => one.name === name && isLive(one)),
      revoke: (serial) => revokeCertificates(folder, issued, name, serial),
    })),
  }
}

const isLive = ({ revoked, expires }: Issued): boolean =>
  revoked === undefined && Date.parse(expires) > Date.now()

/** All of that name: who is to be shut out may have an older one. */
async function revokeCertificates(
  folder: string,
  issued: readonly Issued[],
  name: string,
  serial: string | undefined,
): Promise<Outcome> {
  const authority = readAuthority(folder)
  if (authority.kind !== 'authority') return authority
  const isMeant = (one: Issued): boolean =>
    one.name === name && (serial === undefined || one.serial === serial)
  const serials = issued.filter(isMeant).map((one) => one.serial)
  if (serials.length === 0) return refused(`no certificate of ${name} has the serial ${serial}`)
  const revoked = isoOf(Date.now())
  // The list is written again for one that was revoked before: that may have been cut short.
  const problem = await writeIssued(
    folder,
    authority.pair,
    issued.map((one) => (isMeant(one) ? { ...one, revoked: one.revoked ?? revoked } : one)),
  )
  if (problem) return problem
  removeFiles(authorityFolder(folder), name, serials)
  const list = revokedPath(folder)
  return done(
    `the certificate ${name} is on the list of the revoked: frontends that have ${list} refuse it within a second`,
    { kind: 'certificate', name, serials, revoked: list },
  )
}

/** The name is free again; a newer certificate of that name stays. */
function removeFiles(place: string, name: string, serials: readonly string[]): void {
  const file = certificatePath(place, name)
  const read = readPrivate(file, 'public')
  const found = read.kind === 'read' ? certificateOf(read.text) : null
  if (found === null || !serials.includes(found.serialNumber)) return
  for (const path of [file, certificateKeyPath(place, name)]) rmSync(path, { force: true })
}

const done = (note: string, body: unknown): Outcome => ({
  kind: 'done',
  lines: [],
  notes: [note],
  body,
})
