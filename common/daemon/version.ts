/** Which jobz this is: the version in package.json, found from the sources and from `dist/` alike. */
import { readFileSync } from 'node:fs'

export const VERSION: string = findVersion(new URL('.', import.meta.url))

function findVersion(folder: URL): string {
  const parent = new URL('..', folder)
  try {
    const about: unknown = JSON.parse(readFileSync(new URL('package.json', parent), 'utf8'))
    if (typeof about === 'object' && about !== null && 'name' in about && about.name === 'jobz')
      return 'version' in about ? String(about.version) : 'unknown'
  } catch {
    // No package here, or not ours: the next folder up may have it.
  }
  return parent.href === folder.href ? 'unknown' : findVersion(parent)
}
