import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import type { Loaded } from '../../../common/definition/job.ts'
import { loadDefinitions } from '../../../common/definition/load.ts'

/** A folder with the given files, gone after the test. */
function folderOf(
  t: ExecutionContext,
  files: Readonly<Record<string, string | Uint8Array>>,
): string {
  const folder = mkdtempSync(join(tmpdir(), 'jobz-load-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

function jobsOf(loaded: Loaded): string[] {
  return loaded.kind === 'loaded' ? [...loaded.definitions.jobs.keys()] : []
}

function messagesOf(loaded: Loaded): string[] {
  return (loaded.kind === 'loaded' ? loaded.warnings : loaded.problems).map(
    (problem) => problem.message,
  )
}

const jobFile = (name: string) => `jobs: {${name}: {command: x}}`

test('files and folders are read, sorted, without what is hidden or something else', (t) => {
  const folder = folderOf(t, {
    'jobs/b.yaml': jobFile('b'),
    'jobs/a.yml': jobFile('a'),
    'jobs/deep/c.yaml': jobFile('c'),
    'jobs/.hidden.yaml': 'no yaml: [',
    'jobs/.git/x.yaml': 'no yaml: [',
    'jobs/notes.txt': 'no yaml: [',
    'jobs/a.yaml~': 'no yaml: [',
    'one.yaml': jobFile('one'),
  })
  symlinkSync('/nowhere/at/all', join(folder, 'jobs/broken'))
  const loaded = loadDefinitions([join(folder, 'one.yaml'), join(folder, 'jobs')])
  t.deepEqual(jobsOf(loaded), ['one', 'a', 'b', 'c'])
  t.deepEqual(messagesOf(loaded), [])
})

test('a file that is reached twice is read once', (t) => {
  const folder = folderOf(t, { 'a.yaml': jobFile('a') })
  symlinkSync('a.yaml', join(folder, 'again.yaml'))
  t.deepEqual(jobsOf(loadDefinitions([folder, join(folder, 'a.yaml'), `${folder}/.`])), ['a'])
})

test('relative folders and files start from the file that names them', (t) => {
  const folder = folderOf(t, {
    'jobs/a.yaml':
      'jobs: {a: {command: x, cwd: .., env_file: a.env}, b: {command: x, cwd: /srv}, c: {command: x}}',
  })
  const loaded = loadDefinitions([join(folder, 'jobs')])
  if (loaded.kind === 'refused') return t.fail(messagesOf(loaded).join('\n'))
  t.like(loaded.definitions.jobs.get('a'), { cwd: folder, env_file: join(folder, 'jobs/a.env') })
  t.like(loaded.definitions.jobs.get('b'), { cwd: '/srv', env_file: null })
  return t.like(loaded.definitions.jobs.get('c'), { cwd: null })
})

test('what is not there is a problem that says what to do', (t) => {
  const loaded = loadDefinitions(['/nowhere/at/all'])
  t.like(loaded, {
    kind: 'refused',
    problems: [
      {
        severity: 'error',
        file: '/nowhere/at/all',
        message: 'there is no such file or folder',
        hint: 'check the path, or create it',
      },
    ],
  })
})

test('an empty folder is doubtful, and defines nothing', (t) => {
  const loaded = loadDefinitions([folderOf(t, { 'notes.txt': '' })])
  t.is(loaded.kind, 'loaded')
  t.deepEqual(jobsOf(loaded), [])
  t.deepEqual(messagesOf(loaded), ['there is no *.yaml file in this folder'])
})

test('one bad file refuses all', (t) => {
  const files = [
    ['bad.yaml', 'jobs: ['],
    ['big.yaml', `# ${'x'.repeat(262_144)}`],
    ['bytes.yaml', new Uint8Array([0x6a, 0xff])],
  ] as const
  for (const [name, text] of files) {
    const loaded = loadDefinitions([folderOf(t, { 'a.yaml': jobFile('a'), [name]: text })])
    t.is(loaded.kind, 'refused', name)
    if (loaded.kind === 'refused') t.true(loaded.problems[0]?.file.endsWith(name))
  }
})

test('broken links, devices and circles of links do not stop it', (t) => {
  const folder = folderOf(t, { 'a.yaml': jobFile('a') })
  symlinkSync('nowhere', join(folder, 'broken.yaml'))
  t.deepEqual(messagesOf(loadDefinitions([folder])), ['there is no such file or folder'])
  const devices = folderOf(t, {})
  symlinkSync('/dev/zero', join(devices, 'endless.yaml'))
  t.deepEqual(messagesOf(loadDefinitions([devices])), ['this is no ordinary file'])
  const circle = folderOf(t, { 'a.yaml': jobFile('a') })
  symlinkSync('.', join(circle, 'again'))
  t.true(messagesOf(loadDefinitions([circle])).includes('folders are nested too deep'))
})

test('a byte order mark and Windows line ends are read', (t) => {
  const folder = folderOf(t, {
    'a.yaml': `\ufeffjobs:\r\n  a:\r\n    command: |\r\n      set -e\r\n      true\r\n`,
  })
  const loaded = loadDefinitions([folder])
  if (loaded.kind === 'refused') return t.fail(messagesOf(loaded).join('\n'))
  return t.like(loaded.definitions.jobs.get('a')?.command, { text: 'set -e\ntrue\n' })
})
