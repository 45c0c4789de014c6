/** A frontend that asks who comes, before a real broker: what a command can do with the token that it finds. */
import { writeFileSync } from 'node:fs'
import test from 'ava'
import { mintToken } from '../../common/keys/tokens.ts'
import { makeCluster } from './cluster.ts'

const JOBS = `
jobs:
  parent:
    deliver: one
    command: |
      ask() { curl -sS -o answer -w '%{http_code} ' -H "Authorization: Bearer $JOBZ_TOKEN" "$@"; }
      ask "$JOBZ_URL/job_status?run_id=$JOBZ_RUN_ID&message=half&progress=50"
      ask "$JOBZ_URL/job_start?job_name=child"
      ask "$JOBZ_URL/api/runs/$JOBZ_RUN_ID"
      ask "$JOBZ_URL/api/runs"
      ask -X POST "$JOBZ_URL/api/runs/$JOBZ_RUN_ID/cancel"
      ask "$JOBZ_URL/job_start?job_name=child&parent_run_id=0190f5c2-7b1a-7000-8000-0123456789ab"
  child: {deliver: one, command: 'true'}
`

test.serial(
  "a command's own token is good for its run and its flow, while its run goes on",
  async (t) => {
    const cluster = await makeCluster(t, JOBS)
    const { token, id, hash } = mintToken()
    const tokens = cluster.file('tokens.yaml')
    writeFileSync(tokens, JSON.stringify({ tokens: { ops: { id, hash, role: 'admin' } } }), {
      mode: 0o600,
    })
    await cluster.broker()
    await cluster.worker()
    await cluster.launch([...cluster.args.frontend, '--tokens', tokens])
    const headers = { authorization: `Bearer ${token}` }
    const get = async (path: string): Promise<any> =>
      (await fetch(cluster.url + path, { headers })).json()

    const parent = await get('/job_start?job_name=parent&wait=60s&of=flow')
    t.is(parent.flow_state, 'succeeded', JSON.stringify(parent))
    const run = await get(`/api/runs/${parent.run_id}`)
    t.like(run, { message: 'half', progress: 50 })
    const output = await fetch(`${cluster.url}/api/runs/${parent.run_id}/output`, { headers })
    t.is(await output.text(), '200 202 200 403 403 403 ')
    const { runs } = await get('/api/runs?job=child')
    t.like(runs, { length: 1, 0: { parent_run_id: parent.run_id, flow_id: parent.flow_id } })

    t.is((await fetch(`${cluster.url}/api/workers`)).status, 401)
  },
)
