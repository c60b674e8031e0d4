import { defineConfig } from 'vitest/config'

const conditions = ['@dittofs/source']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['packages/*/test/**/*.test.ts', 'apps/*/test/**/*.test.ts', 'signaling/test/**/*.test.ts'],
          // What they wait for is an event; the time only ends what hangs, also where much else runs on the machine.
          testTimeout: 60_000,
          expect: { poll: { timeout: 30_000 } },
          // Most of them wait for a disk or a clock: also two cores can take two at a time.
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'end-to-end',
          include: ['test/**/*.test.ts'],
          testTimeout: 1_800_000,
          hookTimeout: 180_000,
          expect: { poll: { timeout: 120_000 } },
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
