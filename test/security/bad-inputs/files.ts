/** Bad definitions: YAML, templates, semaphores. Each is a file that a worker is told to read, and what it says of it. */

export type FileCase = readonly [what: string, text: string | Buffer, said: RegExp]

const job = (...lines: string[]): string =>
  `jobs:\n  bad:\n${lines.map((line) => `    ${line}\n`).join('')}`
const command = (text: string): string => job(`command: ${JSON.stringify(text)}`)

export const YAML: readonly FileCase[] = [
  ['no YAML', 'jobs: [', /bad\d+\.yaml:1:8: error: Flow sequence/],
  ['bytes that are no UTF-8', Buffer.from([0x6a, 0xff, 0xfe]), /not valid UTF-8/],
  ['a file of 256 KiB and one byte', '#'.repeat(256 * 1024 + 1), /larger than 256 KiB/],
  ['100,000 brackets', '['.repeat(100_000), /nested deeper than 32 levels/],
  ['100,000 dashes', '- '.repeat(100_000), /nested deeper than 32 levels/],
  [
    'values of values in braces',
    `{${`a: 'b':"a": `.repeat(5_000)}`,
    /nested deeper than 32 levels/,
  ],
  ['an alias', 'jobs: {a: &a {command: x}, b: *a}', /anchors are not read/],
  ['a tag', job('command: !!str x'), /tags are not read/],
  ['a merge key', 'defaults: {<<: {retries: 1}}\n', /unknown key "<<"/],
  ['two documents', 'jobs: {}\n---\njobs: {}', /multiple documents/],
  ['YAML 1.1', '%YAML 1.1\n---\njobs: {}', /YAML 1\.1 is not read/],
  ['a key twice', job('command: x', 'command: y'), /given twice/],
  ['an unknown key', job('comand: x'), /unknown key "comand"/],
  ['a list of jobs', 'jobs: [a]', /jobs/],
  ['a job that is nothing', 'jobs: {a: }', /a/],
  ['a job without a command', job('deliver: one'), /command/],
  ['an empty command', job("command: ''"), /command must not be empty/],
  ['a command with a NUL', job('command: "a\\0b"'), /NUL/],
  ['a list with a NUL', job('command: [a, "a\\0b"]'), /NUL/],
  ['a list of nothing', job('command: []'), /command/],
  ['a job whose name is a path', 'jobs: {../a: {command: x}}', /name/],
  ['a job of an object’s root', 'jobs: {__proto__: {command: x}}', /__proto__/],
  ['a job that another file has', 'jobs: {plain: {command: x}}', /plain/],
  ['a duration in words', job('command: x', 'timeout: soon'), /timeout/],
  ['retries below nothing', job('command: x', 'retries: -1'), /retries/],
  ['a priority past the last', job('command: x', 'priority: 4294967296'), /priority/],
  ['a parameter in look-alike letters', job('command: x', 'params: {nаme: {}}'), /n.me/],
  ['a parameter that is reserved', job('command: x', 'params: {job_name: {}}'), /reserved/],
  [
    'a default that breaks its own rule',
    job('command: x', 'params: {n: {type: int, default: x}}'),
    /integer|default/,
  ],
  [
    'a pattern that takes for ever',
    job('command: x', "params: {n: {pattern: '(a+)+$(?=b)'}}"),
    /pattern/,
  ],
  ['a pattern that looks back', job('command: x', "params: {n: {pattern: '(a)\\1'}}"), /pattern/],
  ['a variable that would be two', job('command: x', 'env: {"A=B": c}'), /no name for a variable/],
]

export const TEMPLATES: readonly FileCase[] = [
  ['backticks', command('echo `echo %(x)s`'), /inside backticks/],
  ['arithmetic', command('echo $((%(x)s))'), /inside \$\(\( \)\)/],
  ['braces', command('echo ${a:-%(x)s}'), /inside \$\{ \}/],
  ['a here-document', command('cat <<E\n%(x)s\nE'), /here-document/],
  ['a comment', command('echo # %(x)s'), /comment/],
  ["$'…'", command("echo $'%(x)s'"), /inside \$'…'/],
  ['after a backslash', command('echo \\%(x)s'), /backslash/],
  ['after a dollar', command('echo $%(x)s'), /follow a \$/],
  ['[[ ]]', command('[[ a = %(x)s ]]'), /\[\[ \]\]/],
  ['a subscript', command('a[%(x)s]=1'), /subscript/],
  ['a quote that stays open', command('echo "%(x)s'), /never closed/],
  ['a parenthesis that stays open', command('echo $(echo %(x)s'), /never closed/],
  ['sh -c', command("sh -c 'echo %(x)s'"), /parsed again by sh -c/],
  ['eval', command('eval echo %(x)s'), /parsed again by eval/],
  ['ssh', command('ssh host ls %(x)s'), /parsed again by ssh/],
  ['a pipe into a shell', command('echo %(x)s | sh'), /parsed again by sh/],
  ['a program of awk', command(`awk '{print "%(x)s"}'`), /program for awk/],
  ['the command itself', command('%(x)s'), /choose what is run/],
  ['PATH', command('PATH=%(x)s ls'), /choose what is run/],
  ['a list for ssh', job('command: [ssh, host, "ls %(x)s"]'), /parsed again by ssh/],
  ['a name that is reserved', command('echo %(job_name)s %(request_id)s'), /reserved/],
  ['an integer that is not declared', command('sleep %(x)d'), /needs an integer/],
  [
    'a shell that is not known',
    job('shell: [fish, -c]', 'command: "echo %(x)s"'),
    /the shell is fish/,
  ],
]

export const SEMAPHORES: readonly FileCase[] = [
  [
    'a semaphore that waits for nothing',
    'semaphores: {s: {wait_for: [], then: plain}}',
    /wait_for/,
  ],
  ['a semaphore that starts nothing', 'semaphores: {s: {wait_for: [plain]}}', /then/],
  [
    'a count of nothing',
    'semaphores: {s: {wait_for: [{job: plain, count: 0}], then: plain}}',
    /count/,
  ],
  ['a count without a job', 'semaphores: {s: {wait_for: [{count: 2}], then: plain}}', /job/],
  [
    'a time in words',
    'semaphores: {s: {wait_for: [plain], then: plain, timeout: soon}}',
    /timeout/,
  ],
  [
    'an answer to failure that is none',
    'semaphores: {s: {wait_for: [plain], then: plain, on_member_failure: cry}}',
    /on_member_failure/,
  ],
  ['an unknown key', 'semaphores: {s: {wait_for: [plain], than: plain}}', /unknown key "than"/],
  [
    'a semaphore whose name is a path',
    'semaphores: {../s: {wait_for: [plain], then: plain}}',
    /name/,
  ],
  [
    'a semaphore that another file has',
    'semaphores: {both: {wait_for: [plain], then: plain}}',
    /both/,
  ],
  ['a key that is a list', 'semaphores: {s: {wait_for: [plain], then: plain, key: [a]}}', /key/],
]
