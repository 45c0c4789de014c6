/** What this frontend counts about its own requests, for /metrics. Routes are counted by their pattern: few, whatever is asked. */

export type Counters = {
  /** @param route `GET /api/runs/{id}`, or `other`. */
  count(route: string, status: number, took_ms: number): void
  /** Lines in the Prometheus text format. */
  lines(): string[]
}

type Count = { requests: number; seconds: number }

export function createCounters(): Counters {
  const counts = new Map<string, Count>()
  return {
    count: (route, status, took_ms) => {
      const [method = 'other', path = 'other'] = route.split(' ')
      const labels = `method="${method}",route="${path}",status="${status}"`
      const count = counts.get(labels) ?? { requests: 0, seconds: 0 }
      count.requests += 1
      count.seconds += took_ms / 1000
      counts.set(labels, count)
    },
    lines: () => [
      '# HELP jobz_http_requests_total HTTP requests this frontend has answered.',
      '# TYPE jobz_http_requests_total counter',
      ...[...counts].map(
        ([labels, { requests }]) => `jobz_http_requests_total{${labels}} ${requests}`,
      ),
      '# HELP jobz_http_request_seconds_total Time it spent on them, waits and streams included.',
      '# TYPE jobz_http_request_seconds_total counter',
      ...[...counts].map(
        ([labels, { seconds }]) =>
          `jobz_http_request_seconds_total{${labels}} ${seconds.toFixed(3)}`,
      ),
    ],
  }
}
