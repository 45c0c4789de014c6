/** What the subject of a client certificate may say of its holder. */
import test from 'ava'
import { holderOf } from '../../frontend/access/certificate.ts'

test('a role, jobs, or nothing; and nothing that could be meant otherwise', (t) => {
  const holder = (subject: object) => holderOf({ subject } as Parameters<typeof holderOf>[0])
  t.deepEqual(holder({ CN: 'a' }), { name: 'a', role: 'trigger', jobs: null })
  t.deepEqual(holder({ CN: 'a', OU: 'Operations' }), { name: 'a', role: 'trigger', jobs: null })
  t.deepEqual(holder({ CN: 'a', OU: ['role:read', 'job:x*', 'job:y'] }), {
    name: 'a',
    role: 'read',
    jobs: ['x*', 'y'],
  })
  t.is(holder({ CN: 'a', OU: ['role:read', 'role:admin'] }), null)
  t.is(holder({ CN: 'a', OU: 'role:' }), null)
  t.is(holder({ CN: 'a', OU: 'role:Admin' }), null)
  t.is(holder({ CN: 'a', OU: ['role:read', 'job:'] }), null)
})
