/**
 * The audit log: one JSON line for each request that changes something, and for each that was refused for want of an
 * identity or a right. It says who, from where, what and with which outcome; never a parameter's value, a token or a
 * query string.
 */
import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs'
import type { Response } from 'express'
import type { Log } from '../../common/daemon/log.ts'
import { printableJson } from '../../common/daemon/printable.ts'
import { addressOf } from './identity.ts'
import type { Identity } from './identity.ts'

type Line = {
  readonly time: string
  readonly who: string | null
  readonly via: Identity['via'] | null
  readonly from: string
  /** The route's id. */
  readonly action: string
  readonly target: string | null
  /** The HTTP status. */
  readonly outcome: number
  /** The client's own id of its trigger. */
  readonly request?: string
}

/** What is known of a request that changes something, until it is written. Later calls of `done` change nothing. */
export type Trail = {
  about(target: () => string, request?: string | null): void
  done(status: number): void
}
export const NO_TRAIL: Trail = { about: () => {}, done: () => {} }

export type Audit = {
  /** Begins a line, which is written when its outcome is known: by `done`, or else when the answer has left. */
  begin(action: string, who: Identity, res: Response): Trail
  /** @param who Null when nobody knows. */
  refused(action: string, who: Identity | null, res: Response, status: number): void
  /** Opens the file anew, after it was moved away. */
  reopen(): void
  close(): void
}

/** Of what clients say themselves. */
const MAX_TEXT = 256
/** The client went away before there was an answer. */
const GONE = 499

/** @param write Takes whole lines. */
function createAudit(write: (line: Line) => void): Pick<Audit, 'begin' | 'refused'> {
  return {
    begin: (action, who, res) => {
      let line = begun(action, who, res)
      let isDone = false
      const trail: Trail = {
        about: (name, request = null) => {
          const named = request && { request: request.slice(0, MAX_TEXT) }
          line = { ...line, target: name().slice(0, MAX_TEXT), ...named }
        },
        done: (outcome) => {
          if (!isDone) write({ ...line, outcome })
          isDone = true
        },
      }
      res.once('close', () => trail.done(res.headersSent ? res.statusCode : GONE))
      return trail
    },
    refused: (action, who, res, outcome) => write({ ...begun(action, who, res), outcome }),
  }
}

const begun = (action: string, who: Identity | null, res: Response): Omit<Line, 'outcome'> => ({
  time: new Date().toISOString(),
  who: who?.name ?? null,
  via: who?.via ?? null,
  from: addressOf(res.req.socket),
  action,
  target: null,
})

const silent: Audit = {
  begin: () => NO_TRAIL,
  refused: () => {},
  reopen: () => {},
  close: () => {},
}

/** Writes to a file when one is named, else to the log when `isOn`, else nowhere. */
export function openAudit(path: string, isOn: boolean, log: Log): Audit | { message: string } {
  if (path === '')
    return isOn ? { ...silent, ...createAudit((line) => log.info('audit', line)) } : silent
  let file: number
  try {
    file = openFile(path)
  } catch (error) {
    return { message: `--audit ${path}: ${(error as Error).message}` }
  }
  const write = (line: Line): void => {
    try {
      // Whoever reads it on a terminal sees what was said there, and does not have it done.
      writeSync(file, `${printableJson(JSON.stringify(line))}\n`)
    } catch (error) {
      log.error('the audit log cannot be written', { error, line })
    }
  }
  return {
    ...createAudit(write),
    reopen: () => {
      try {
        const fresh = openFile(path)
        closeSync(file)
        file = fresh
      } catch (error) {
        log.error('the audit log cannot be opened anew: the old one is written on', { error })
      }
    },
    close: () => closeSync(file),
  }
}

function openFile(path: string): number {
  const { O_APPEND, O_CREAT, O_WRONLY, O_NOFOLLOW } = constants
  const file = openSync(path, O_APPEND | O_CREAT | O_WRONLY | O_NOFOLLOW, 0o600)
  const { mode } = fstatSync(file)
  if ((mode & 0o077) === 0) return file
  closeSync(file)
  throw new Error(`others may read or write it: chmod 600 ${path}`)
}
