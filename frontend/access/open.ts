/** From settings to who may come in: reads the files, and refuses what would let in more than its owner may know. */
import type { Log } from '../../common/daemon/log.ts'
import type { SettingsOf } from '../../common/daemon/settings.ts'
import { readTokens } from '../../common/keys/tokens.ts'
import type { Tokens } from '../../common/keys/tokens.ts'
import { isLoopback } from '../../common/link/address.ts'
import type { Doors } from '../app.ts'
import type { BrokerLink } from '../broker-link.ts'
import type { FRONTEND } from '../settings.ts'
import { createAccess } from './access.ts'
import { openAudit } from './audit.ts'
import { hostCheck } from './hosts.ts'
import { identifyBy } from './identify.ts'
import { createInFlight } from './in-flight.ts'
import { keepFresh } from './kept-fresh.ts'
import type { Fresh, Kept } from './kept-fresh.ts'
import { identifyRun } from './run-token.ts'
import { openTls } from './tls.ts'
import type { Tls } from './tls.ts'

type Settings = Omit<SettingsOf<typeof FRONTEND>, 'broker' | 'key'>

export type Opened = {
  readonly doors: Doors
  readonly tls: Tls | null
  /** Reads all files anew, and opens the audit log's anew. */
  reload(): void
  close(): void
}

type Unread = { readonly kind: 'refused'; readonly message: string }
const refused = (message: string): Unread => ({ kind: 'refused', message })

/** @param listen The host of `settings.listen`. */
export async function openAccess(
  settings: Settings,
  listen: string,
  broker: BrokerLink,
  log: Log,
): Promise<Opened | Unread> {
  const problem = problemOf(settings)
  if (problem !== null) return refused(problem)
  const isClosed = settings.tokens !== '' || settings.tls_ca !== ''
  const audit = openAudit(settings.audit, isClosed, log)
  if ('message' in audit) return refused(audit.message)
  const inFlight = createInFlight()
  const tls = await openTlsOf(settings, log)
  if (tls && 'kind' in tls) return tls
  const tokens = await openTokens(settings.tokens, log, () => inFlight.sweep())
  if ('kind' in tokens) return tokens
  warnOf(settings, log)
  const identify = identifyBy({
    tokens: () => tokens.value,
    ofRun: (token) => identifyRun(broker, token),
    ofCertificate: tls?.identify ?? null,
  })
  const access = createAccess({ identify: isClosed ? identify : null, broker, audit, inFlight })
  const isOurHost = hostCheck(listen, settings.hosts)
  return {
    doors: { access, isOurHost, isSecure: tls !== null },
    tls,
    reload: () => {
      tokens.reload()
      tls?.reload()
      audit.reopen()
    },
    close: () => {
      tokens.stop()
      tls?.stop()
      inFlight.stop()
      audit.close()
    },
  }
}

function problemOf(settings: Settings): string | null {
  const { tokens, tls_cert, tls_key, tls_ca, tls_crl } = settings
  if ((tls_cert === '') !== (tls_key === ''))
    return '--tls-cert and --tls-key belong together: a certificate, and its private key'
  if (tls_ca !== '' && tls_cert === '')
    return '--tls-ca needs --tls-cert and --tls-key: client certificates are a part of HTTPS'
  if (tls_crl !== '' && tls_ca === '')
    return '--tls-crl needs --tls-ca: a list of revoked certificates, and whose they are'
  if (tokens !== '' || tls_ca !== '' || settings.insecure || isLoopback(settings.listen))
    return null
  return (
    `--listen ${settings.listen} is reached from elsewhere, and nobody would be asked who they are: ` +
    'give --tokens FILE or --tls-ca FILE (below `jobz up`: JOBZ_TOKENS, JOBZ_TLS_CA, or jobz.yaml; `jobz keys` makes ' +
    'them), listen on 127.0.0.1, or say --insecure'
  )
}

function warnOf({ listen, tokens, tls_ca, tls_cert }: Settings, log: Log): void {
  if (isLoopback(listen)) return
  if (tokens === '' && tls_ca === '')
    log.warn('insecure: whoever reaches this address may start, cancel and forget everything')
  else if (tls_cert === '')
    log.warn('tokens travel in the clear: use --tls-cert, or a proxy on this host that does HTTPS')
}

async function openTlsOf(settings: Settings, log: Log): Promise<Tls | Unread | null> {
  const { tls_cert, tls_key, tls_ca, tls_crl } = settings
  if (tls_cert === '') return null
  return openTls({ cert: tls_cert, key: tls_key, ca: tls_ca, crl: tls_crl }, log)
}

const NONE: Kept<Tokens> = { value: new Map(), reload: () => {}, stop: () => {} }

async function openTokens(
  path: string,
  log: Log,
  changed: () => void,
): Promise<Kept<Tokens> | Unread> {
  if (path === '') return NONE
  const read = (): Fresh<Tokens> => {
    const file = readTokens(path)
    if (file.kind === 'absent') return refused(`there is no file ${path}: \`jobz keys\` makes one`)
    return file.kind === 'refused' ? file : { kind: 'read', value: file.tokens }
  }
  return keepFresh({ what: 'tokens', paths: [path], read, changed, log })
}
