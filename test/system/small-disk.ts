/** A disk of a few MiB, which a test fills: a tmpfs, for which one must be root and allowed to mount. */
import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext, type ImplementationFn } from 'ava'

export type SmallDisk = {
  /** Leaves about so many bytes. */
  fill(leave_bytes: number): void
  /** Gives back what `fill` took. */
  empty(): void
}

/** Mounted at this folder for as long as the test runs. */
export function mountSmallDisk(t: ExecutionContext, folder: string, bytes: number): SmallDisk {
  mkdirSync(folder, { recursive: true })
  mount(folder, bytes)
  // Lazily, for a command of the test may still be there.
  t.teardown(() => void execFileSync('umount', ['--lazy', folder]))
  const filler = join(folder, 'filler')
  return {
    fill: (leave_bytes) => {
      const file = openSync(filler, 'a')
      const page = Buffer.alloc(4096)
      const free = (): number => {
        const { bavail, bsize } = statfsSync(folder)
        return bavail * bsize
      }
      while (free() > leave_bytes) writeSync(file, page)
      closeSync(file)
    },
    empty: () => rmSync(filler, { force: true }),
  }
}

/** A serial test that needs a small disk; where none can be mounted it is shown as skipped. */
export function testOnSmallDisk(title: string, run: ImplementationFn<[]>): void {
  if (CAN_MOUNT) test.serial(title, run)
  else test.serial.skip(`${title} (needs root, to mount a small disk)`, run)
}

const mount = (folder: string, bytes: number): void =>
  void execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=0700`, 'tmpfs', folder], {
    stdio: 'pipe',
  })

const CAN_MOUNT = ((): boolean => {
  const folder = mkdtempSync(join(tmpdir(), 'jobz-mount-'))
  try {
    mount(folder, 65_536)
    execFileSync('umount', [folder])
    return true
  } catch {
    return false
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})()
