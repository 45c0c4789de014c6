/** What the frontend is told when it starts. */
import { KEY_SETTINGS } from '../common/keys/own-key.ts'
import type { SettingsTable } from '../common/daemon/settings.ts'

export const FRONTEND = [
  {
    flag: 'listen',
    env: 'JOBZ_LISTEN',
    kind: 'text',
    default: '127.0.0.1:6769',
    help: 'where HTTP is served, host:port',
  },
  {
    flag: 'broker',
    env: 'JOBZ_BROKER',
    kind: 'text',
    default: 'tcp://127.0.0.1:6770',
    help: "the broker's worker door; the other two are the next ports",
  },
  {
    flag: 'tokens',
    env: 'JOBZ_TOKENS',
    kind: 'text',
    default: '',
    help: 'a file of bearer tokens; who has none of them is not let in',
  },
  {
    flag: 'tls-cert',
    env: 'JOBZ_TLS_CERT',
    kind: 'text',
    default: '',
    help: 'a certificate, for HTTPS',
  },
  {
    flag: 'tls-key',
    env: 'JOBZ_TLS_KEY',
    kind: 'text',
    default: '',
    help: 'its private key',
  },
  {
    flag: 'tls-ca',
    env: 'JOBZ_TLS_CA',
    kind: 'text',
    default: '',
    help: 'an authority: only who has a certificate of it may connect',
  },
  {
    flag: 'tls-crl',
    env: 'JOBZ_TLS_CRL',
    kind: 'text',
    default: '',
    help: 'the list of certificates that it has revoked',
  },
  {
    flag: 'hosts',
    env: 'JOBZ_HOSTS',
    kind: 'list',
    default: [],
    help: 'further names that clients may call it by',
  },
  {
    flag: 'audit',
    env: 'JOBZ_AUDIT',
    kind: 'text',
    default: '',
    help: 'a file of who did what; without it, the log',
  },
  ...KEY_SETTINGS,
] as const satisfies SettingsTable
