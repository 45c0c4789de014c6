/**
 * Patterns of parameters: a small dialect of regular expressions that always matches in linear time.
 *
 * JavaScript's own engine backtracks, so `(a+)+b` from a careless job file would let one long value stop a broker. This
 * dialect leaves out what cannot be matched by walking a set of states (back references, look-around), bounds the number
 * of states, and reads each character of a value once. A pattern always matches the whole value.
 */
import { readPattern } from './pattern-syntax.ts'
import type { Matches, Node } from './pattern-syntax.ts'

/** More than a sensible pattern needs, and few enough for a value of 4 KiB to be matched in milliseconds. */
const MOST_STATES = 500
/** Bounds the building too: `(){255}` inside `{255}` makes no state and would take for ever. */
const MOST_BUILDING_STEPS = 10_000

/** A state consumes one character, or leads on without one. The place after the last state is the end. */
type State =
  | { readonly kind: 'one'; readonly matches: Matches; readonly next: number }
  | { readonly kind: 'fork'; next: number[] }

export type Pattern = {
  /** True when the whole value matches. */
  readonly test: (value: string) => boolean
}

export type Compiled =
  | { readonly kind: 'compiled'; readonly pattern: Pattern }
  | { readonly kind: 'refused'; readonly message: string }

/** Checks and prepares a pattern; a refusal says what is not understood, and where. */
export function compilePattern(source: string): Compiled {
  const read = readPattern(source)
  if (read.kind === 'refused') {
    return { kind: 'refused', message: `${read.message}, at character ${read.offset + 1}` }
  }
  const building = { states: [] as State[], steps: 0 }
  build(read.node, building)
  if (isTooLarge(building)) {
    return {
      kind: 'refused',
      message: `it needs more than ${MOST_STATES} states; use smaller repeat counts`,
    }
  }
  return { kind: 'compiled', pattern: { test: (value) => run(building.states, value) } }
}

/** Walks all states at once, so that the work for one character is bounded by the number of states. */
function run(states: readonly State[], value: string): boolean {
  const marks = new Uint32Array(states.length + 1)
  let step = 1
  let current: number[] = []
  enter(states, 0, current, marks, step)
  for (const character of value) {
    const code = character.codePointAt(0) ?? 0
    const following: number[] = []
    step += 1
    for (const place of current) {
      const state = states[place]
      if (state?.kind === 'one' && state.matches(code)) {
        enter(states, state.next, following, marks, step)
      }
    }
    if (following.length === 0) return false
    current = following
  }
  return current.includes(states.length)
}

/** Adds a place, and all that it leads to without a character; each place at most once a step. */
function enter(
  states: readonly State[],
  start: number,
  into: number[],
  marks: Uint32Array,
  step: number,
): void {
  const waiting = [start]
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    if (marks[place] === step) continue
    marks[place] = step
    const state = states[place]
    if (state?.kind === 'fork') waiting.push(...state.next)
    else into.push(place)
  }
}

type Building = { readonly states: State[]; steps: number }

function isTooLarge(building: Building): boolean {
  return building.states.length > MOST_STATES || building.steps > MOST_BUILDING_STEPS
}

/** Appends a node's states: they begin at the present length, and lead to the length afterwards. */
function build(node: Node, building: Building): void {
  building.steps += 1
  if (isTooLarge(building)) return
  const { states } = building
  if (node.kind === 'one')
    states.push({ kind: 'one', matches: node.matches, next: states.length + 1 })
  else if (node.kind === 'all') for (const part of node.nodes) build(part, building)
  else if (node.kind === 'any') buildAny(node.nodes, building)
  else buildRepeat(node, building)
}

function buildAny(nodes: readonly Node[], building: Building): void {
  const { states } = building
  const start = fork(states)
  const ends: { next: number[] }[] = []
  for (const node of nodes) {
    start.next.push(states.length)
    build(node, building)
    ends.push(fork(states))
  }
  for (const end of ends) end.next.push(states.length)
}

function buildRepeat(node: Extract<Node, { kind: 'repeat' }>, building: Building): void {
  const { states } = building
  for (let copy = 0; copy < node.least && !isTooLarge(building); copy += 1)
    build(node.node, building)
  if (node.most === Number.POSITIVE_INFINITY) {
    const loop = states.length
    const start = fork(states)
    start.next.push(states.length)
    build(node.node, building)
    fork(states).next.push(loop)
    start.next.push(states.length)
    return
  }
  const skips: { next: number[] }[] = []
  for (let copy = node.least; copy < node.most && !isTooLarge(building); copy += 1) {
    const skip = fork(states)
    skip.next.push(states.length)
    skips.push(skip)
    build(node.node, building)
  }
  for (const skip of skips) skip.next.push(states.length)
}

function fork(states: State[]): { next: number[] } {
  const state = { kind: 'fork' as const, next: [] }
  states.push(state)
  return state
}
