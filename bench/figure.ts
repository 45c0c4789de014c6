/** What a benchmark found. */

/** One line of the report. `target` is what it should reach, in words. */
export type Figure = {
  readonly what: string
  readonly figure: string
  readonly target: string
  readonly reached: boolean
}
