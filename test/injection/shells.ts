/**
 * Runs many texts in one start of a real shell. The values are in its environment, as jobz would put them there, and
 * each text is a file of its own, so that no quoting of the test stands between a value and the text that uses it.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** One text, and the values that it is run with, one after the other in one subshell. */
export type Case = {
  readonly text: string
  readonly values: readonly Readonly<Record<string, string>>[]
}

export type Outcome = {
  /** What `probe` was called with, by `callsKey`: the arguments of each call, in order. */
  readonly calls: ReadonlyMap<string, string[][]>
  /** What `pwned` was called with: no text of a test says it, so only a value can have run it. */
  readonly intrusions: string[]
  /** Files that the texts made. */
  readonly files: string[]
}

/** The shells of this machine among those that jobz rewrites for. */
const WANTED = ['dash', 'bash', 'busybox']
export const SHELLS = WANTED.filter(isHere)
export const MISSING_SHELLS = WANTED.filter((shell) => !SHELLS.includes(shell))

function isHere(shell: string): boolean {
  try {
    execFileSync(shell, [...programOf(shell), '-c', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Busybox is many programs; its shell is one of them. */
function programOf(shell: string): string[] {
  return shell === 'busybox' ? ['sh'] : []
}

/** `probe` writes its arguments with NULs, which no value can hold; each case is a subshell. */
const PROBE = `
probe() { printf 'CALL\\0'; for argument; do printf 'ARG%s\\0' "$argument"; done; }
pwned() { printf '%s\\n' "$*" >> "$INTRUSIONS"; }
`

/**
 * Runs all cases in one shell and tells them apart again. With `isAlone`, each run has a subshell of its own, and its
 * last call is `status` and the status of the text, if the text came to its end.
 */
export function runCases(
  shell: string,
  cases: readonly Case[],
  { isAlone = false }: { readonly isAlone?: boolean } = {},
): Outcome {
  const folder = mkdtempSync(join(tmpdir(), 'jobz-injection-'))
  const work = mkdtempSync(join(folder, 'work-'))
  try {
    const environment: Record<string, string> = {
      PATH: '/usr/bin:/bin',
      INTRUSIONS: join(folder, 'intrusions'),
    }
    writeFileSync(join(folder, 'intrusions'), '')
    const places = new Map<string, string>()
    const lines = cases.map(({ text, values }, number) => {
      const file = join(folder, `case${number}`)
      writeFileSync(file, text)
      const runs = values.map((record, place) => {
        const assignments = Object.entries(record).map(([name, value]) => {
          const variable = places.get(value) ?? `VALUE_${places.size}`
          places.set(value, variable)
          environment[variable] = value
          return `export JOBZ_P_${name}="\$${variable}"\n`
        })
        const run = `printf 'CASE${callsKey(number, place)}\\0'\n${assignments.join('')}. ${file}\n`
        return isAlone ? `(\n${run}probe status "$?"\n) 2>/dev/null </dev/null\n` : run
      })
      return isAlone ? runs.join('') : `(\n${runs.join('')}) 2>/dev/null </dev/null\n`
    })
    writeFileSync(join(folder, 'all'), PROBE + lines.join(''))
    const options = { cwd: work, env: environment, maxBuffer: 1 << 28, timeout: 60_000 } as const
    const { stdout, error } = spawnSync(shell, [...programOf(shell), join(folder, 'all')], options)
    // What came after a text that never ends was not run, and must not count as harmless.
    if (error) throw error
    const intrusions = execFileSync('cat', [join(folder, 'intrusions')]).toString()
    return {
      calls: callsIn(stdout.toString()),
      intrusions: intrusions.split('\n').filter((line) => line !== ''),
      files: readdirSync(work),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The name of one run: the number of its case, and of its values in it. */
export function callsKey(number: number, place: number): string {
  return `${number}.${place}`
}

function callsIn(output: string): Map<string, string[][]> {
  const calls = new Map<string, string[][]>()
  let current: string[][] = []
  for (const field of output.split('\0')) {
    if (field.startsWith('CASE')) calls.set(field.slice(4), (current = []))
    else if (field === 'CALL') current.push([])
    else if (field.startsWith('ARG')) current.at(-1)?.push(field.slice(3))
  }
  return calls
}
