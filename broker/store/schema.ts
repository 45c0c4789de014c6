/**
 * The tables, and how an older file becomes a newer one.
 *
 * Each entry of `MIGRATIONS` is one step, applied once and never edited after a release; `PRAGMA user_version` counts
 * the steps a file has seen. Runs are one table with a number of their own as the key: time-ordered ids make a text
 * key possible, but rows that grow (parameters) are 20 % slower in a text-keyed table. Only columns that never change
 * are indexed, and the two partial indexes hold the few runs that are asked for by state, so that an update of a
 * finished run costs one page. Times are REAL: SQLite keeps whole ones as integers, and no sum of times can become an
 * integer that JavaScript cannot read back.
 */
import type { DatabaseSync } from 'node:sqlite'

/** Marks the file as jobz's own ("jobz" in ASCII). */
export const APPLICATION_ID = 0x6a6f627a

/** Written out wherever a query is to use the partial index: SQLite matches the text of the condition. */
export const UNFINISHED = `(state = 'waiting' OR state = 'queued' OR state = 'running')`
export const UNHAPPY = `(state = 'failed' OR state = 'expired')`

const MIGRATIONS: readonly string[] = [
  `CREATE TABLE runs (
    position INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL, flow_id TEXT NOT NULL, parent_run_id TEXT, via TEXT NOT NULL, retry_of TEXT,
    job TEXT NOT NULL, card TEXT, state TEXT NOT NULL, reason TEXT, lane TEXT NOT NULL,
    priority INTEGER NOT NULL, deliver TEXT NOT NULL,
    created_ms REAL NOT NULL, started_ms REAL, finished_ms REAL, delay_ms REAL NOT NULL,
    cancel_requested INTEGER NOT NULL, progress REAL, message TEXT, concurrency_key TEXT,
    only_workers TEXT, depth INTEGER NOT NULL, handling TEXT, sequence REAL NOT NULL,
    params TEXT NOT NULL, context TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX runs_id ON runs (run_id);
  CREATE INDEX runs_flow ON runs (flow_id);
  CREATE INDEX runs_job ON runs (job);
  CREATE INDEX runs_unfinished ON runs (position) WHERE ${UNFINISHED};
  CREATE INDEX runs_unhappy ON runs (position) WHERE ${UNHAPPY};

  CREATE TABLE tasks (
    run_id TEXT NOT NULL, n INTEGER NOT NULL, worker TEXT, state TEXT NOT NULL,
    attempt INTEGER NOT NULL, tries INTEGER NOT NULL, lost INTEGER NOT NULL,
    exit_code INTEGER, signal TEXT, reason TEXT, started_ms REAL, finished_ms REAL, due_ms REAL,
    output TEXT NOT NULL, stdout_bytes REAL NOT NULL, stderr_bytes REAL NOT NULL,
    error_tail TEXT NOT NULL, attempts TEXT NOT NULL,
    PRIMARY KEY (run_id, n)
  ) STRICT, WITHOUT ROWID;

  -- The id comes first in the key: those that frontends make are time-ordered, and appending is cheap.
  CREATE TABLE requests (
    request_id TEXT NOT NULL, job TEXT NOT NULL, run_id TEXT NOT NULL, at_ms REAL NOT NULL,
    PRIMARY KEY (request_id, job)
  ) STRICT, WITHOUT ROWID;

  -- One row per transaction, under the number of its last entry.
  CREATE TABLE feed (
    last_n INTEGER PRIMARY KEY, first_n INTEGER NOT NULL, at_ms REAL NOT NULL, entries TEXT NOT NULL
  ) STRICT;

  CREATE TABLE cards (
    position INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, card TEXT NOT NULL,
    first_seen_ms REAL NOT NULL
  ) STRICT;
  CREATE TABLE lanes (lane TEXT PRIMARY KEY, max INTEGER) STRICT, WITHOUT ROWID;
  CREATE TABLE workers (
    name TEXT PRIMARY KEY, instance TEXT NOT NULL, version TEXT NOT NULL, slots INTEGER NOT NULL,
    jobs TEXT NOT NULL, draining INTEGER NOT NULL, handing_over INTEGER NOT NULL,
    reload_error TEXT, last_heard_ms REAL NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE semaphores (
    name TEXT PRIMARY KEY, definition TEXT NOT NULL, place INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE gates (
    semaphore TEXT NOT NULL, key TEXT NOT NULL, generation INTEGER NOT NULL, opened_ms REAL,
    opened_by TEXT, since_ms REAL NOT NULL, timeout_at_ms REAL, failed INTEGER NOT NULL,
    late INTEGER NOT NULL,
    PRIMARY KEY (semaphore, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX gates_open ON gates (semaphore, opened_ms) WHERE opened_ms IS NOT NULL;
  CREATE INDEX gates_gathering ON gates (since_ms) WHERE opened_ms IS NULL;
  CREATE TABLE arrivals (
    position INTEGER PRIMARY KEY, semaphore TEXT NOT NULL, key TEXT, missing TEXT,
    generation INTEGER NOT NULL, run_id TEXT NOT NULL, flow_id TEXT NOT NULL,
    member INTEGER NOT NULL, distinguished TEXT, at_ms REAL NOT NULL, depth INTEGER NOT NULL,
    late INTEGER NOT NULL
  ) STRICT;
  -- Told again, an arrival changes nothing; the index also finds the arrivals of a run.
  CREATE UNIQUE INDEX arrivals_run
    ON arrivals (run_id, semaphore, generation, key IS NULL, ifnull(key, ''));
  CREATE INDEX arrivals_gate ON arrivals (semaphore, key, generation);

  CREATE TABLE refusals (
    position INTEGER PRIMARY KEY, at_ms REAL NOT NULL, job TEXT NOT NULL, origin TEXT,
    code TEXT NOT NULL, message TEXT NOT NULL
  ) STRICT;`,

  // 2: runs that were forgotten, until their output files are removed too.
  `CREATE TABLE forgotten_outputs (run_id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;`,

  // 3: whether a failed run was retried, and which handlers it had. Few runs are in these, and what they hold never changes.
  `CREATE INDEX runs_retries ON runs (retry_of) WHERE retry_of IS NOT NULL;
  CREATE INDEX runs_handlers ON runs (parent_run_id) WHERE via = 'failure';`,
]

/** How many steps this program knows. */
export const SCHEMA_VERSION = MIGRATIONS.length

/**
 * Brings an opened file to the newest schema. Returns why it cannot, in words for whoever starts the broker, or null
 * when all is well; a file that is refused is left as it was. Throws what SQLite throws on a damaged file.
 */
export function migrate(db: DatabaseSync): string | null {
  const version = pragma(db, 'user_version')
  const owner = pragma(db, 'application_id')
  const tables = db.prepare('SELECT count(*) AS count FROM sqlite_schema').get()?.['count']
  if (owner !== APPLICATION_ID && (owner !== 0 || version !== 0 || tables !== 0))
    return 'it is a database of some other program'
  if (version > SCHEMA_VERSION)
    return `it was written by a newer jobz (schema ${version}; this one knows ${SCHEMA_VERSION}): run that version`
  for (const [step, statements] of MIGRATIONS.entries()) {
    if (step < version) continue
    db.exec(`BEGIN IMMEDIATE; ${statements};
      PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${step + 1}; COMMIT`)
  }
  return null
}

const pragma = (db: DatabaseSync, name: 'user_version' | 'application_id'): number =>
  Number(db.prepare(`PRAGMA ${name}`).get()?.[name])
