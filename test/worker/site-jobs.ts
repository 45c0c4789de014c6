/** What the workers of these tests can do. */
export const JOBS = {
  greet: {
    command:
      'echo "hello %(who)s from %(worker)s"; echo oops >&2; echo "said=%(who)s" > "$JOBZ_OUTPUT"',
    params: { who: { type: 'text' } },
    deliver: 'one',
  },
  count: { command: 'echo "$JOBZ_RUN_ID" >> counted', deliver: 'all' },
  wait_for: {
    command: 'echo up; until [ -e "%(file)s" ]; do sleep 0.02; done; echo done; exit 6',
    deliver: 'one',
    params: { file: { type: 'path' } },
  },
  slow: { command: ['sleep', '600'], deliver: 'one', timeout: '300ms', kill_after: '200ms' },
  noisy: {
    command: 'awk \'BEGIN { for (i = 0; i < 3000; i++) printf "%99d\\n", i }\'',
    output_limit: 200_000,
    deliver: 'one',
  },
}
