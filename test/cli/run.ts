/** Runs one command in this process, on a terminal that remembers. */
import type { ExecutionContext } from 'ava'
import { runCli } from '../../cli/dispatch.ts'
import type { Output } from '../../cli/terminal.ts'
import { fakeFrontend } from './fake-frontend.ts'
import type { Asked, Routes } from './fake-frontend.ts'

export type How = {
  /** Standard output and error are a terminal of so many columns. */
  readonly columns?: number
  readonly colours?: boolean
  readonly env?: Readonly<Record<string, string>>
  readonly interrupted?: AbortSignal
  /** What comes on standard input. */
  readonly input?: string
  /** Told of each piece of standard error. */
  readonly onErr?: (text: string) => void
}

export type Ran = { readonly code: number; readonly out: string; readonly err: string }

/** `jobz ${argv}`, with `JOBZ_URL` as the environment says. */
export async function run(argv: readonly string[], how: How = {}): Promise<Ran> {
  const out: Buffer[] = []
  const err: Buffer[] = []
  const output = (chunks: Buffer[], told?: (text: string) => void): Output => ({
    write: (text) => {
      chunks.push(Buffer.from(text as string))
      told?.(String(text))
    },
    isTerminal: how.columns !== undefined,
    colours: how.colours ?? false,
  })
  const code = await runCli(argv, {
    input: async function* () {
      yield Buffer.from(how.input ?? '')
    },
    out: output(out),
    err: output(err, how.onErr),
    width: how.columns ?? 80,
    env: how.env ?? {},
    interrupted: how.interrupted ?? new AbortController().signal,
  })
  return { code, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() }
}

/** The same against a frontend that answers by `routes`. */
export async function ask(
  t: ExecutionContext,
  argv: readonly string[],
  routes: Routes,
  how: How = {},
): Promise<Ran & { readonly asked: readonly Asked[] }> {
  const { url, asked } = await fakeFrontend(t, routes)
  const ran = await run(argv, { ...how, env: { JOBZ_URL: url, ...how.env } })
  return { ...ran, asked }
}
