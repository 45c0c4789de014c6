/** The jobs that bad inputs are aimed at. */
export const SITE = `
jobs:
  plain:
    deliver: one
    command: printf 'said=%s\\n' %(name)s > "$JOBZ_OUTPUT"
    params: {name: {type: text, default: world}}
  typed:
    deliver: one
    command: [printf, '%s', '%(note)s']
    params:
      count: {type: int, default: 1}
      day: {type: date, default: today}
      choice: {type: enum, values: [red, blue], default: red}
      where: {type: path, default: /tmp}
      word: {default: safe}
      note: {type: text, default: nothing}
      code: {pattern: '[A-Z]{2}\\d', default: AB1}
  needs: {deliver: one, command: 'true', params: {x: {required: true}}}
  strict: {deliver: one, command: 'true', params_only: true}
  first: {deliver: one, command: 'true'}
  second: {deliver: one, command: 'true'}
  after_both: {deliver: one, command: 'true'}
semaphores:
  both: {wait_for: [first, second], then: after_both}
`
