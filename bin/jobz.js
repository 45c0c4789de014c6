#!/usr/bin/env node
/** Where an installed `jobz` begins. Plain enough for any node, so that one that is too old gets a clear answer. */
import { existsSync } from 'node:fs'
import process from 'node:process'

const NEEDED = 24

if (Number(process.versions.node.split('.')[0]) < NEEDED) {
  console.error(
    `jobz: needs node ${NEEDED} or newer, and this is ${process.versions.node}.\n` +
      `  Install a newer one (https://nodejs.org), or run it once with: npx -p node@${NEEDED} jobz`,
  )
  process.exit(2)
}

const built = new URL('../dist/cli/main.js', import.meta.url)
await import(existsSync(built) ? built.href : new URL('../cli/main.ts', import.meta.url).href)
