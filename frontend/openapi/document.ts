/** The OpenAPI document, made from the table of routes: what is not served is not described, and the other way round. */
import { schemaComponents } from './schemas.ts'
import type { AnswerNote, Field, Route } from '../routes/route.ts'

/** What any route may answer beside its own: the bounds that hold for every request. */
const EVERYWHERE = {
  400: 'something in the request is not as it must be; the message names it',
  421: 'the Host header is none of the names of this frontend',
  503: 'the broker does not answer; see Retry-After',
} as const
/** What any route may answer that asks who comes. */
const ASKED = {
  401: 'no token, or one that is not good',
  403: 'the role or the jobs of the token are not enough, or a web page asks for a change',
  429: 'too many requests of this token, or too many wrong ones; see Retry-After',
} as const

/** An OpenAPI 3.1 document of these routes. */
export function createDocument(routes: readonly Route[]): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes) {
    const path = (paths[route.path] ??= {})
    path[route.method.toLowerCase()] = operation(route)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'jobz',
      version: '1',
      description:
        'Start jobs, and see what became of them. A 2xx to a request that changes something means that it is on disk.',
    },
    paths,
    components: { schemas: schemaComponents(), securitySchemes: SECURITY },
  }
}

/** A frontend asks for what it was given: tokens, certificates, both, or neither (on loopback alone). */
const SECURITY = {
  token: {
    type: 'http',
    scheme: 'bearer',
    description: 'in the Authorization header only, never in a URL',
  },
  certificate: {
    type: 'mutualTLS',
    description: "of the owner's own authority; its subject says what it may do",
  },
}

function operation(route: Route): object {
  const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
  const body = bodyOf(route)
  return {
    operationId: route.id,
    summary: route.summary,
    ...(route.description ? { description: route.description } : {}),
    parameters: [...inPath, ...route.fields.map(inQuery), ...openFields(route)],
    ...(body ? { requestBody: body } : {}),
    responses: responses(route),
    ...rightsOf(route),
  }
}

function rightsOf({ role, acts_with, scope }: Route): object {
  if (role === 'open') return { security: [], 'x-jobz-role': role }
  return {
    security: [{ token: [] }, { certificate: [] }],
    'x-jobz-role': role,
    ...(acts_with && {
      'x-jobz-role-with': Object.fromEntries(
        acts_with.fields.map((name) => [name, acts_with.role]),
      ),
    }),
    'x-jobz-limited-by': typeof scope === 'object' ? Object.keys(scope)[0] : scope,
  }
}

const inQuery = ({ name, description, schema, required }: Field): object => ({
  name,
  in: 'query',
  ...(required ? { required } : {}),
  description,
  schema,
})

/** Names that are the job's, or a filter's, and not known here. */
const openFields = ({ open }: Route): object[] =>
  open === undefined
    ? []
    : [
        {
          name: 'others',
          in: 'query',
          description: `any other name: ${open}`,
          style: 'form',
          explode: true,
          schema: { type: 'object', additionalProperties: { type: 'string' } },
        },
      ]

function bodyOf(route: Route): object | null {
  if (route.json)
    return { required: true, content: { 'application/json': { schema: route.json.schema } } }
  if (route.method !== 'POST' || (route.fields.length === 0 && route.open === undefined))
    return null
  const schema = {
    type: 'object',
    description: 'the fields may stand here instead of in the query string, each name once',
    properties: Object.fromEntries(route.fields.map(({ name, schema }) => [name, schema])),
    additionalProperties:
      route.open === undefined ? false : { type: ['string', 'number', 'boolean'] },
  }
  return {
    content: { 'application/json': { schema }, 'application/x-www-form-urlencoded': { schema } },
  }
}

function responses(route: Route): object {
  const all: Record<string, object> = {}
  const notes = { ...EVERYWHERE, ...(route.role !== 'open' && ASKED), ...route.answers }
  for (const [status, note] of Object.entries(notes))
    all[status] = typeof note === 'string' ? refusal(note) : response(Number(status), note)
  return all
}

function response(status: number, note: AnswerNote): object {
  const { description, schema, type = 'application/json' } = note
  if (schema === undefined) return status < 400 ? { description } : refusal(description)
  const named = typeof schema === 'string' ? reference(schema) : schema
  return { description, content: { [type]: { schema: named } } }
}

const refusal = (description: string): object => ({
  description,
  content: { 'application/json': { schema: reference('Error') } },
})

const reference = (name: string): object => ({ $ref: `#/components/schemas/${name}` })
