/**
 * Runs commands: one keeper for each that runs at a time, told by the core what to start and what to stop.
 *
 * Every start ends in exactly one `exited`, whether the command, its keeper or the daemon that started it died;
 * `started` comes before it when the command was handed to a keeper.
 */
import type { Log } from '../../common/daemon/log.ts'
import type { Effect, Event, Exit, Restored, StreamName } from '../core/event.ts'
import type { AttemptKey, AttemptTask, Limits, StopReason } from '../core/state.ts'
import { keyOf } from '../core/state.ts'
import { exitOf, hasBegun, howOfCode, howWithoutCode } from './exits.ts'
import type { KeeperPool } from './keeper-pool.ts'
import { openKeeperPool } from './keeper-pool.ts'
import type { CommandHeader } from './command-file.ts'
import type { Keeper } from './keeper.ts'
import type { LaunchOptions } from './launch.ts'
import { prepareLaunch } from './launch.ts'
import { type Mask, maskOf } from './masks.ts'
import { punchHole, readableSize, readHidden } from './outputs.ts'
import { BOOT_ID, isAlive } from './process-table.ts'
import { repeatEvery } from './repeat.ts'
import { signalerOf } from './signal-as.ts'
import type { Spool, Stored } from './spool.ts'
import type { Tree } from './tree.ts'
import { killTree, terminateTree } from './tree.ts'

export type RunnerOptions = LaunchOptions & {
  readonly spool: Spool
  readonly onEvent: (event: Event) => void
  readonly log: Log
}

/** One command under way. `keeper` is null for one that an earlier daemon started. */
type Command = {
  readonly key: AttemptKey
  readonly entry: string
  readonly keeper: Keeper | null
  readonly tree: Tree
  /** Who runs it, where that is not the worker's own user. */
  readonly user: string | null
  readonly started_at_ms: number
  /** Hides what is secret of its run. */
  readonly mask: Mask | null
  stdout_bytes: number
  stderr_bytes: number
  stopping: boolean
  /** Its end was seen: nothing more is to be done about it. */
  ending: boolean
}

/** How often output is looked for. */
const WATCH_MS = 250
/** How often commands without a keeper of ours are looked at. */
const ADOPTED_MS = 200
/** A command that was handed over a moment ago may not have its process yet: that is waited for this often. */
const TERMINATE_TRIES = 20
const TERMINATE_PAUSE_MS = 25

/** The host's monotonic clock: it is the same for all its processes. */
const uptimeMs = (): number => Number(process.hrtime.bigint() / 1_000_000n)

/** Since before this daemon; by the wall's clock where an older daemon, or another boot, started it. */
function runningFor({ keeper, started_at_ms, started_uptime_ms }: CommandHeader): number {
  const sameClock = keeper.boot_id === BOOT_ID && started_uptime_ms !== undefined
  return Math.max(0, sameClock ? uptimeMs() - started_uptime_ms : Date.now() - started_at_ms)
}

export class Runner {
  readonly #options: RunnerOptions
  readonly #spool: Spool
  readonly #keepers: KeeperPool
  readonly #commands = new Map<string, Command>()
  readonly #outputWatch = repeatEvery(WATCH_MS, () => this.#lookAtOutput())
  readonly #adoptedWatch = repeatEvery(ADOPTED_MS, () => this.#lookAtAdopted())
  #left = false
  #cutFailed = false

  constructor(options: RunnerOptions) {
    this.#options = options
    this.#spool = options.spool
    this.#keepers = openKeeperPool({
      folder: options.spool.folder,
      environment: options.environment,
      onCode: (keeper, entry, exit_code) => this.#codeCame(keeper, entry, exit_code),
      onGone: (keeper) => this.#keeperGone(keeper),
    })
  }

  start(effect: Extract<Effect, { kind: 'start' }>): void {
    const { key, task, limits } = effect
    const entry = this.#spool.entryOf(key)
    if (entry === null) throw new Error(`${key} is to be started and is not in the spool`)
    const launch = prepareLaunch(effect, this.#spool.pathOf(entry, 'output'), this.#options)
    const refuse = (kind: 'not_started' | 'not_kept', message: string): void =>
      this.#refuse(key, entry, { kind, message })
    if (launch.kind === 'impossible') return refuse('not_started', launch.message)
    const keeper = this.#keepers.take()
    if (!keeper) return refuse('not_started', 'no process could be started for it')
    const started_at_ms = Date.now()
    try {
      const started_uptime_ms = uptimeMs()
      const since = { keeper: keeper.identity, started_at_ms, started_uptime_ms, limits }
      const header = launch.user === null ? since : { ...since, user: launch.user }
      if (launch.script !== null) this.#spool.writeScript(entry, launch.script)
      this.#spool.writeCommand(entry, launch.fileFor(header))
    } catch (error) {
      this.#keepers.giveBack(keeper)
      return refuse('not_kept', String(error))
    }
    const mask = maskOf(task)
    const { user } = launch
    this.#add({ key, entry, keeper, user, started_at_ms, mask, stopping: false }, keeper.identity)
    keeper.run(entry)
    this.#options.onEvent({ kind: 'started', key, at_ms: started_at_ms })
  }

  /** The reason is in the spool before the first signal. */
  terminate(key: AttemptKey, reason: StopReason): void {
    const failure = this.#spool.noteStop(key, reason)
    // A full disk is no reason to let it go on; only a daemon after this one would not know why it ended.
    if (failure !== null)
      this.#options.log.error('why an attempt is stopped could not be noted', { key, failure })
    const command = this.#find(key)
    if (command) void this.#sendTerm(command)
  }

  /** That its keeper is gone with it tells the rest. */
  kill(key: AttemptKey): void {
    const command = this.#find(key)
    if (!command || command.ending) return
    command.stopping = true
    void killTree(command.tree)
  }

  /** Looks after what an earlier daemon started. */
  adopt(stored: readonly Stored[]): Restored[] {
    return stored.map(({ task, stop, header }): Restored => {
      const key = keyOf(task)
      const entry = this.#spool.entryOf(key)
      if (!header || entry === null) return { task, stop, running: null }
      const { started_at_ms, keeper, user = null } = header
      const limits: Limits = header.limits
      const mask = maskOf(task)
      const known = { key, entry, keeper: null, user, started_at_ms, mask }
      this.#add({ ...known, stopping: stop !== null }, keeper)
      this.#adoptedWatch.begin()
      const running_for_ms = runningFor(header)
      return { task, stop, running: { running_for_ms, started_at_ms, limits } }
    })
  }

  /** Bytes of an attempt's stream, as they may be shown. */
  read(task: AttemptTask, stream: StreamName, offset: number, length: number): Buffer {
    return readHidden(this.#pathOf(keyOf(task), stream), offset, length, maskOf(task))
  }

  /** Gives a part of it back to the disk. */
  async cut(key: AttemptKey, stream: StreamName, from: number, to: number): Promise<void> {
    const failure = await punchHole(this.#pathOf(key, stream), from, to)
    if (failure === null || this.#cutFailed) return
    this.#cutFailed = true
    const message = 'the middle of long output stays on the disk until its run is over'
    this.#options.log.warn(message, { failure })
  }

  /** Lets all keepers go. What runs goes on, and the next daemon of this spool looks after it. */
  leave(): void {
    this.#left = true
    this.#outputWatch.stop()
    this.#adoptedWatch.stop()
    this.#keepers.release()
  }

  #add(
    command: Pick<
      Command,
      'key' | 'entry' | 'keeper' | 'user' | 'started_at_ms' | 'mask' | 'stopping'
    >,
    keeper: Tree['keeper'],
  ): void {
    const signalAs = signalerOf(command.user, this.#options)
    const tree: Tree = { attempt_id: command.key, keeper, since_ticks: null, signalAs }
    const sizes = { stdout_bytes: 0, stderr_bytes: 0 }
    this.#commands.set(command.entry, { ...command, ...sizes, tree, ending: false })
    this.#outputWatch.begin()
  }

  #find(key: AttemptKey): Command | undefined {
    const entry = this.#spool.entryOf(key)
    return entry === null ? undefined : this.#commands.get(entry)
  }

  #pathOf(key: AttemptKey, stream: StreamName): string {
    const entry = this.#spool.entryOf(key)
    if (entry === null) throw new Error(`${key} is not in the spool`)
    return this.#spool.pathOf(entry, stream)
  }

  async #sendTerm(command: Command): Promise<void> {
    command.stopping = true
    for (let tries = 0; tries < TERMINATE_TRIES && !command.ending && !this.#left;) {
      // Before it has begun, a shell there still has a handler for TERM that is not the command's.
      const begun = hasBegun(this.#spool, command)
      if (begun && (await terminateTree(command.tree))) return
      // How long sudo takes until then is not for this daemon to bound; KILL does in the end.
      if (begun || command.user === null) tries += 1
      await new Promise((done) => setTimeout(done, TERMINATE_PAUSE_MS))
    }
  }

  #refuse(key: AttemptKey, entry: string, how: Exit['how']): void {
    const { exit } = exitOf(this.#spool, entry, null, how, null)
    this.#options.onEvent({ kind: 'exited', key, exit })
  }

  #codeCame(keeper: Keeper, entry: string, exit_code: number): void {
    const command = this.#commands.get(entry)
    if (command?.keeper !== keeper || command.ending) return
    // One whose command was stopped is not used again: it goes with whatever is left of it.
    if (!command.stopping) this.#keepers.giveBack(keeper)
    this.#end(command, howOfCode(this.#spool, command, exit_code, this.#options))
  }

  #keeperGone(keeper: Keeper): void {
    for (const command of this.#commands.values())
      if (command.keeper === keeper) this.#endByFiles(command)
  }

  /** Its keeper is gone: when the rest of it is too, what it left says what became of it. */
  #endByFiles(command: Command): void {
    const code = this.#spool.readCode(command.entry)
    if (code)
      return this.#end(
        command,
        howOfCode(this.#spool, command, code.exit_code, this.#options),
        code.at_ms,
      )
    if (command.ending) return
    command.ending = true
    void this.#killAndTell(command, () => howWithoutCode(this.#spool, command))
  }

  /** Tells the core of a code; after a stop only when nothing of the command is left. */
  #end(command: Command, how: Exit['how'], at_ms?: number): void {
    if (command.ending) return
    command.ending = true
    if (command.stopping) void this.#killAndTell(command, () => how, at_ms)
    else this.#tellEnd(command, how, at_ms)
  }

  async #killAndTell(command: Command, how: () => Exit['how'], at_ms?: number): Promise<void> {
    await killTree(command.tree)
    this.#tellEnd(command, how(), at_ms)
  }

  #tellEnd(command: Command, how: Exit['how'], at_ms?: number): void {
    const { key, entry, started_at_ms, mask } = command
    this.#commands.delete(entry)
    if (this.#left) return
    const { exit, dropped } = exitOf(this.#spool, entry, started_at_ms, how, mask, at_ms)
    if (dropped.length > 0)
      this.#options.log.warn('output values were left out', { attempt: key, dropped })
    if (how.kind === 'never_ran') this.#spool.clear(entry)
    this.#options.onEvent({ kind: 'exited', key, exit })
  }

  #lookAtOutput(): boolean {
    for (const command of this.#commands.values()) {
      if (command.ending) continue
      const { entry, mask } = command
      const stdout_bytes = readableSize(this.#spool.pathOf(entry, 'stdout'), mask)
      const stderr_bytes = readableSize(this.#spool.pathOf(entry, 'stderr'), mask)
      if (command.stdout_bytes === stdout_bytes && command.stderr_bytes === stderr_bytes) continue
      Object.assign(command, { stdout_bytes, stderr_bytes })
      this.#options.onEvent({ kind: 'grew', key: command.key, stdout_bytes, stderr_bytes })
    }
    return this.#commands.size > 0
  }

  #lookAtAdopted(): boolean {
    let any = false
    for (const command of this.#commands.values()) {
      if (command.keeper || command.ending) continue
      any = true
      const code = this.#spool.readCode(command.entry)
      if (code)
        this.#end(
          command,
          howOfCode(this.#spool, command, code.exit_code, this.#options),
          code.at_ms,
        )
      else if (!isAlive(command.tree.keeper)) this.#endByFiles(command)
    }
    return any
  }
}
