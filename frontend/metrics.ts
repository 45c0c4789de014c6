/** The text of /metrics: the broker's figures and this frontend's, in the Prometheus text format. */
import type { MetricsAnswer } from '../common/protocol/answers.ts'
import type { Counters } from './counters.ts'

/**
 * @param figures The broker's; null when it did not answer, which is itself a figure.
 * @param standing How many waits and streams stand open here.
 */
export function metricsText(
  figures: MetricsAnswer | null,
  counters: Counters,
  standing: number,
): string {
  const lines = [
    ...metric('broker_up', 'Whether the broker answers.', 'gauge', [['', figures ? 1 : 0]]),
    ...(figures ? brokerLines(figures) : []),
    ...metric('http_standing', 'Waits and streams that stand open.', 'gauge', [['', standing]]),
    ...counters.lines(),
  ]
  return `${lines.join('\n')}\n`
}

type Sample = readonly [labels: string, value: number]

function brokerLines(figures: MetricsAnswer): string[] {
  const { lanes, reload_errors, runs, totals, uptime_s, version, workers } = figures
  const ofLanes = (pick: (lane: (typeof lanes)[number]) => number | null): Sample[] =>
    lanes.flatMap((lane) => {
      const value = pick(lane)
      return value === null ? [] : [[label('lane', lane.lane), value] as const]
    })
  return [
    ...metric('build_info', "The broker's version.", 'gauge', [[label('version', version), 1]]),
    ...metric('broker_uptime_seconds', 'Since the broker started.', 'gauge', [['', uptime_s]]),
    ...metric('runs', 'Unfinished runs by state.', 'gauge', byLabel('state', runs)),
    ...metric('workers', 'Workers by state.', 'gauge', byLabel('state', workers)),
    ...metric(
      'lane_running',
      'Runs that count in a lane.',
      'gauge',
      ofLanes((lane) => lane.running),
    ),
    ...metric(
      'lane_queued',
      'Runs that wait in a lane.',
      'gauge',
      ofLanes((lane) => lane.queued),
    ),
    ...metric(
      'lane_limit',
      'Most that a lane lets run.',
      'gauge',
      ofLanes((lane) => lane.limit),
    ),
    ...metric(
      'worker_reload_error',
      "Workers whose last reload of their jobs was refused; see the worker's list.",
      'gauge',
      reload_errors.map(({ worker }) => [label('worker', worker), 1]),
    ),
    ...Object.entries(totals).flatMap(([name, value]) =>
      metric(`${plainName(name)}_total`, 'Since the broker started.', 'counter', [['', value]]),
    ),
  ]
}

function metric(
  name: string,
  help: string,
  type: 'gauge' | 'counter',
  samples: readonly Sample[],
): string[] {
  return [
    `# HELP jobz_${name} ${help}`,
    `# TYPE jobz_${name} ${type}`,
    ...samples.map(([labels, value]) => `jobz_${name}${labels} ${value}`),
  ]
}

const byLabel = (name: string, values: Readonly<Record<string, number>>): Sample[] =>
  Object.entries(values).map(([value, count]) => [label(name, value), count])

const label = (name: string, value: string): string =>
  `{${name}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"}`

const plainName = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z0-9_]/g, '_')
    .replace(/_total$/, '')
