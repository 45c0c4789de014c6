/** The numbers both ends of a wire agree on. docs/PROTOCOL.md gives them in words. */

/** Carried in `hello`, `welcome` and every client request. A peer one version apart is still understood (versions.ts). */
export const PROTOCOL_VERSION = 1

/** A frame is one part of at most this many bytes … */
export const MAX_FRAME_BYTES = 1024 * 1024
/** … and holds at most this many messages. */
export const MAX_FRAME_MESSAGES = 10_000

/** A worker says that it lives this often … */
export const HEARTBEAT_MS = 5_000
/** … and holds its attempts this long after it was last heard. */
export const LEASE_MS = 30_000
/** A worker that stopped cleanly with commands running holds them this long. */
export const HAND_OVER_MS = 600_000
/** Without a heartbeat for this long a worker is away. */
export const AWAY_MS = 60_000
/** A semaphore process says its places this often, also when they stay as they are … */
export const PLACE_MS = 20_000
/** … and a semaphore that no process has named for this long may be forgotten by hand. */
export const UNFOLLOWED_MS = 60_000
/** A broadcast that was not accepted by then goes through the worker's own door. */
export const BROADCAST_GRACE_MS = 200
/** A message that was not acknowledged is sent again after this long. */
export const RESEND_MS = 5_000
/** The feed repeats its newest number this often, so that a lost wake is noticed. */
export const HEAD_MS = 1_000

/** Output travels in chunks of at most this many bytes, before base64. */
export const OUTPUT_CHUNK_BYTES = 64 * 1024

/** `POST /api/runs` starts at most this many runs … */
export const MAX_TRIGGERS = 10_000
/** … and one `trigger` request this many (or `retry` of a list), so that its answer fits a frame. */
export const MAX_TRIGGERS_A_REQUEST = 1_000
