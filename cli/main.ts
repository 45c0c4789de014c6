/** The `jobz` command: its words go in, an exit code comes out. */
import process from 'node:process'
import { runCli } from './dispatch.ts'
import { processTerminal } from './terminal.ts'

process.exitCode = await runCli(process.argv.slice(2), processTerminal())
