/**
 * `/api/events`: the broker's feed as Server-Sent Events.
 *
 * Each stream replays from its own place at its reader's pace, so nothing piles up for a slow one. One that takes
 * nothing at all is cut off, and comes back with `Last-Event-ID` to go on where it was.
 */
import { nearestName } from '../../common/definition/nearest.ts'
import type { FeedEntry, ReplayAnswer } from '../../common/protocol/answers.ts'
import type { Failure } from '../../common/protocol/client-door.ts'
import { openBody } from '../body-stream.ts'
import type { BodyStream } from '../body-stream.ts'
import { badRequest, isFailure, quoted } from '../failure.ts'
import { EVENT_HEADERS, eventText, keepAlive, placeText } from '../server-sent.ts'
import { BUSY } from '../standing.ts'
import type { Stay } from '../standing.ts'
import { refuse, textOf } from './route.ts'
import type { Answer, Api, Call, Route } from './route.ts'

const PAGE = 200
const LOOK_AGAIN_MS = 2_000
const KINDS = ['run', 'flow', 'gate', 'worker']
const MAX_TOPICS = 32

export function eventRoutes(api: Api): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/events',
      id: 'events',
      role: 'read',
      scope: 'everything',
      summary: 'What happens, as it happens: Server-Sent Events',
      description:
        'Each event is named by the first word of its topic, its data is the entry as JSON, and its id is the place ' +
        'from which `Last-Event-ID` goes on.',
      fields: [
        {
          name: 'topics',
          description: 'only topics that begin so, separated by commas: run.failed,gate',
          schema: { type: 'string' },
        },
        {
          name: 'after',
          description:
            'go on after this place, as Last-Event-ID does; `oldest` for all that is kept',
          schema: { type: 'string' },
        },
      ],
      head: false,
      answers: {
        200: { description: 'events', type: 'text/event-stream', schema: 'Event' },
      },
      handle: (call) => sendEvents(api, call),
    },
  ]
}

async function sendEvents(api: Api, call: Call): Promise<Answer> {
  const topics = readTopics(textOf(call.fields, 'topics') ?? '')
  if (isFailure(topics)) return refuse(topics)
  const stay = api.standing.enter(call.res)
  if (!stay) return refuse(BUSY)
  try {
    const last = call.req.headers['last-event-id']
    const place = (typeof last === 'string' && last) || textOf(call.fields, 'after') || 'head'
    return await stream(api, call, stay, topics, place === 'oldest' ? null : place)
  } finally {
    stay.leave()
  }
}

async function stream(
  api: Api,
  call: Call,
  stay: Stay,
  topics: string[],
  from: string | null,
): Promise<Answer> {
  const watch = api.feed.watch(['any'])
  let alive: { stop(): void } | null = null
  try {
    let page = await replay(api, from, topics)
    if (isFailure(page)) return refuse(page)
    const body = openBody(call.res, stay, EVENT_HEADERS)
    alive = keepAlive(call.res)
    await body.write('retry: 1000\n\n')
    let place = from
    while (!stay.signal.aborted) {
      const before = place
      if (!isFailure(page)) {
        if (!(await writePage(body, page, place))) break
        place = page.complete_to
      }
      if (isFailure(page) || !isMore(page, before)) await watch.changed(LOOK_AGAIN_MS, stay.signal)
      await stay.pace()
      if (!stay.signal.aborted) page = await replay(api, place, topics)
    }
    body.end()
    return { kind: 'streamed' }
  } finally {
    alive?.stop()
    watch.end()
  }
}

/** A page is bounded in bytes too, so that a short one need not be the last. */
const isMore = (page: ReplayAnswer, before: string | null): boolean =>
  page.complete_to !== page.head && page.complete_to !== before

async function replay(
  api: Api,
  after: string | null,
  topics: string[],
): Promise<ReplayAnswer | Failure> {
  const request = { kind: 'replay', after, topics, limit: PAGE } as const
  const asked = await api.broker.ask<ReplayAnswer>(request, LOOK_AGAIN_MS)
  return asked.kind === 'answered' ? asked.result : asked.error
}

/** The place moves on also where nothing was wanted, so that a client that comes back need not wade through it again. */
async function writePage(
  body: BodyStream,
  page: ReplayAnswer,
  place: string | null,
): Promise<boolean> {
  const texts = page.entries.map(entryText)
  if (page.complete_to !== place && page.complete_to !== page.entries.at(-1)?.cursor)
    texts.push(placeText(page.complete_to))
  return texts.length === 0 || body.write(texts.join(''))
}

/** Values stay out of it: some are secret, and all can be asked for by run_id. */
function entryText({ params: _params, output: _output, ...entry }: FeedEntry): string {
  return eventText(entry.topic.split('.')[0] ?? 'run', entry.cursor, entry)
}

function readTopics(text: string): string[] | Failure {
  const topics = text
    .split(',')
    .map((topic) => topic.trim())
    .filter((topic) => topic !== '')
  if (topics.length > MAX_TOPICS) return badRequest(`topics: at most ${MAX_TOPICS}`)
  for (const topic of topics) {
    const kind = topic.split('.')[0] ?? ''
    if (KINDS.includes(kind) && topic.length <= 256) continue
    const near = nearestName(kind, KINDS)
    const hint = near ? `did you mean ${near}?` : `they begin with ${KINDS.join(', ')}`
    return badRequest(`topics: there are none that begin with ${quoted(topic)}`, hint)
  }
  return topics.map((topic) => (topic.includes('.') ? topic : `${topic}.`))
}
