/**
 * HTTPS, and client certificates of one authority.
 *
 * TLS checks who signed a certificate, what it is for and its dates, once, when a connection begins. What may change
 * while it lasts is checked here, each second and with each request: whether it was revoked, and whether it is still in
 * date. Sessions are not resumed, since who resumes one shows no certificate.
 */
import { constants } from 'node:crypto'
import type { X509Certificate } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Server } from 'node:https'
import type { Socket } from 'node:net'
import type { TlsOptions, TLSSocket } from 'node:tls'
import type { Log } from '../../common/daemon/log.ts'
import { makeBuckets } from '../../common/keys/bucket.ts'
import type { Failure } from '../../common/protocol/client-door.ts'
import { holderOf } from './certificate.ts'
import type { Identity } from './identity.ts'
import { keepFresh } from './kept-fresh.ts'
import { BAD_CERTIFICATE, STRANGE_CERTIFICATE } from './refusals.ts'
import { readTlsFiles } from './tls-files.ts'
import type { TlsFiles, TlsPaths } from './tls-files.ts'

export type Tls = {
  readonly options: TlsOptions
  /** Follows a server's connections, and gives it what the files say from now on. */
  serve(server: Server): void
  /** Who the connection's certificate is; null when none is asked for. */
  readonly identify: ((req: IncomingMessage) => Identity | Failure) | null
  reload(): void
  stop(): void
}

const HANDSHAKE_MS = 10_000
const SWEEP_MS = 1_000
/** Requests a second. */
const RATE = 100

type Peer = {
  readonly serial: string
  readonly from_ms: number
  readonly to_ms: number
  readonly issued_by: string
  readonly identity: Identity | null
}

export async function openTls(
  paths: TlsPaths,
  log: Log,
): Promise<Tls | { readonly kind: 'refused'; readonly message: string }> {
  const peers = new Map<Socket, Peer>()
  let server: Server | null = null
  const kept = await keepFresh<TlsFiles>({
    what: 'certificates',
    paths: Object.values(paths).filter((path) => path !== ''),
    read: () => readTlsFiles(paths),
    changed: (files) => {
      server?.setSecureContext(optionsOf(files))
      sweep()
    },
    log,
  })
  if ('kind' in kept) return kept
  const isGood = (peer: Peer, now_ms: number): boolean =>
    peer.issued_by === kept.value.authority?.pem &&
    !kept.value.revoked.has(peer.serial) &&
    now_ms >= peer.from_ms &&
    now_ms <= peer.to_ms
  const sweep = (): void => {
    const now_ms = Date.now()
    for (const [socket, peer] of peers) if (!isGood(peer, now_ms)) socket.destroy()
  }
  // Whoever has one may come as often as he likes.
  const warnings = makeBuckets({ rate: 0.1, burst: 10, most_keys: 1 })
  const timer = setInterval(sweep, SWEEP_MS)
  timer.unref()
  const follow = (socket: TLSSocket): void => {
    const peer = peerOf(socket, kept.value, (one) => isGood(one, Date.now()))
    if (!peer || !isGood(peer, Date.now())) {
      const facts = { from: socket.remoteAddress, serial: peer?.serial }
      if (warnings.take('', Date.now()) === 0)
        log.warn('a client certificate is good no more', facts)
      socket.destroy()
      return
    }
    peers.set(socket, peer)
    socket.once('close', () => peers.delete(socket))
  }
  const asks = kept.value.authority !== null
  return {
    options: optionsOf(kept.value),
    serve: (on) => {
      server = on
      if (asks) on.on('secureConnection', follow)
    },
    identify: asks
      ? (req) => {
          const peer = peers.get(req.socket)
          if (!peer || !isGood(peer, Date.now())) return BAD_CERTIFICATE
          return peer.identity ?? STRANGE_CERTIFICATE
        }
      : null,
    reload: () => kept.reload(),
    stop: () => {
      clearInterval(timer)
      kept.stop()
    },
  }
}

const optionsOf = ({ cert, key, authority }: TlsFiles): TlsOptions => ({
  cert,
  key,
  minVersion: 'TLSv1.2',
  handshakeTimeout: HANDSHAKE_MS,
  ...(authority && {
    ca: authority.pem,
    requestCert: true,
    rejectUnauthorized: true,
    secureOptions: constants.SSL_OP_NO_TICKET,
  }),
})

/** Null when there is no certificate, or none that the authority itself has signed. */
function peerOf(
  socket: TLSSocket,
  { authority }: TlsFiles,
  isGood: (peer: Peer) => boolean,
): Peer | null {
  const certificate = socket.getPeerX509Certificate()
  if (!authority || !certificate || !isOf(authority.certificate, certificate)) return null
  const serial = certificate.serialNumber
  const holder = holderOf(certificate.toLegacyObject())
  const peer: Peer = {
    serial,
    from_ms: Date.parse(certificate.validFrom),
    to_ms: Date.parse(certificate.validTo),
    issued_by: authority.pem,
    identity: holder && {
      ...holder,
      via: 'certificate',
      run: null,
      limit: { key: `certificate ${serial}`, rate: RATE },
      isGood: () => isGood(peer),
    },
  }
  return peer
}

const isOf = (authority: X509Certificate, certificate: X509Certificate): boolean =>
  certificate.checkIssued(authority) && certificate.verify(authority.publicKey)
