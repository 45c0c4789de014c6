/** `jobz semaphores`: which gates gather, who has arrived, who is missing; opening or closing one by hand; forgetting. */
import { printableLine } from '../../common/daemon/printable.ts'
import type { GateView, SemaphoreView } from '../../common/protocol/answers.ts'
import type { Answer } from '../api/client.ts'
import { textFlag, writeJson } from '../command.ts'
import type { Cli, ClientCommand } from '../command.ts'
import { complain, complainUsage } from '../complain.ts'
import { EXIT } from '../exit-codes.ts'
import { table } from '../show/columns.ts'
import type { Cell, Column } from '../show/columns.ts'
import { shownId, shownTime, stateCell } from '../show/words.ts'

export const SEMAPHORES: ClientCommand = {
  kind: 'client',
  name: 'semaphores',
  usage: 'semaphores [open NAME KEY --reason TEXT | reset NAME KEY | forget NAME]',
  summary:
    'the semaphores and their gates; or open or reset one by hand, or forget one that is no more',
  takes: [0, 3],
  flags: [{ flag: 'reason', kind: 'text', help: 'why it is opened by hand (kept)' }],
  run: semaphores,
}

const COLUMNS: readonly Column[] = [
  { title: 'SEMAPHORE', least: 8 },
  { title: 'GATE', least: 6 },
  { title: 'STATE' },
  { title: 'ARRIVED', right: true },
  { title: 'MISSING', least: 8, leave: 2 },
  { title: 'SINCE', leave: 1 },
]

async function semaphores(cli: Cli): Promise<number> {
  const [verb, name, key] = cli.words
  if (verb === 'forget' && name !== undefined && key === undefined) return forget(cli, name)
  if (verb !== undefined) return byHand(cli, verb, name, key)
  const answer = await cli.api.get<{ semaphores: SemaphoreView[] }>(['api', 'semaphores'])
  if (answer.kind !== 'answer') return complain(cli, answer)
  if (cli.json) writeJson(cli, answer.body)
  else show(cli, answer.body.semaphores)
  return EXIT.succeeded
}

async function forget(cli: Cli, name: string): Promise<number> {
  const answer: Answer<unknown> = await cli.api.post(['api', 'semaphores', name, 'forget'])
  if (answer.kind !== 'answer') return complain(cli, answer)
  if (cli.json) writeJson(cli, answer.body)
  else cli.terminal.err.write(`${printableLine(name)} is forgotten; no flow waits for it\n`)
  return EXIT.succeeded
}

async function byHand(
  cli: Cli,
  verb: string,
  name: string | undefined,
  key: string | undefined,
): Promise<number> {
  const reason = textFlag(cli, 'reason')
  const problem =
    (verb !== 'open' && verb !== 'reset') || name === undefined || key === undefined
      ? `cannot ${cli.words.join(' ')}`
      : verb === 'open' && reason === undefined
        ? 'opening a gate by hand needs a --reason'
        : null
  if (problem !== null || name === undefined || key === undefined)
    return complainUsage(cli.terminal, SEMAPHORES, {
      message: problem ?? '',
      hint: `jobz ${SEMAPHORES.usage}`,
    })
  const path = ['api', 'semaphores', name, key, verb]
  const answer: Answer<unknown> = await cli.api.post(path, [['reason', reason]])
  if (answer.kind !== 'answer') return complain(cli, answer)
  if (cli.json) writeJson(cli, answer.body)
  else
    cli.terminal.err.write(
      `${printableLine(`gate ${key} of ${name}`)} ${verb === 'open' ? 'is open' : 'is reset: it gathers anew'}\n`,
    )
  return EXIT.succeeded
}

function show(cli: Cli, semaphores: readonly SemaphoreView[]): void {
  const { terminal } = cli
  if (semaphores.length === 0) {
    terminal.err.write('no semaphore is known yet: jobz semaphore makes them known\n')
    return
  }
  terminal.out.write(
    table(
      terminal,
      COLUMNS,
      semaphores.flatMap((one) => rows(cli, one)),
    ),
  )
  for (const { semaphore, state } of semaphores)
    if (state === 'away')
      terminal.err.write(
        `${printableLine(`${semaphore}: no semaphore process follows it; if it is no more: jobz semaphores forget ${semaphore}`)}\n`,
      )
  for (const { semaphore, unkeyed } of semaphores)
    for (const { run_id, missing } of unkeyed)
      terminal.out.write(
        `${printableLine(`${semaphore}: ${shownId(terminal.out.isTerminal, run_id)} has no ${missing ?? 'value'} for the key`)}\n`,
      )
}

function rows(cli: Cli, semaphore: SemaphoreView): Cell[][] {
  if (semaphore.gates.length === 0) return [[semaphore.semaphore, '', '', '', '', '']]
  const needed = semaphore.wait_for.reduce((sum, { count }) => sum + count, 0)
  return semaphore.gates.map((gate) => [
    semaphore.semaphore,
    gate.key,
    stateCell(gate.state),
    `${gate.arrived_count}/${needed}`,
    missing(gate),
    shownTime(cli, gate.since),
  ])
}

const missing = (gate: GateView): string =>
  gate.missing.map(({ job, count }) => (count === 1 ? job : `${count}× ${job}`)).join(' ')
