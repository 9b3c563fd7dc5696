import { defineConfig } from 'vitest/config';
import { requireNode } from './scripts/require-node.mjs';
import { workers } from './test/support/run/workers.js';

requireNode();

/** Decorators as Nest needs them; the root tsconfig gives the path aliases. */
const shared = {
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  resolve: { tsconfigPaths: true },
} as const;

const FAILURES_AS_THEY_COME = './test/support/run/failures-as-they-come.ts';

/**
 * How long (ms) a test or a hook may last before it counts as hanging. What they wait for has limits of its own, which tell
 * more; so these only have to be longer, on any machine.
 */
const HANGING = { testTimeout: 600_000, hookTimeout: 600_000 };

/**
 * How many tests of a file run at the same time where the file asks for it (`describe.concurrent`). Such tests wait most of
 * the time: for processes, for time limits. More at once would only start more processes at the same moment.
 */
const AT_ONCE = { maxConcurrency: 3 };

/**
 * Vitest evaluates this file more than once, and refuses to run projects whose numbers of workers differ. The number depends on
 * the load of the machine, which changes meanwhile, so the first one is kept.
 */
process.env['TEST_WORKERS'] ??= String(workers());

const room = '{apps,libs,test,scripts,migrations}/**';

/** gRPC keeps what it knows of addresses for the whole process, and ports are used again: these get a process for each file. */
const alone = 'libs/liveness/src/probes/**/*.int-spec.ts';

const withDatabase = { environment: 'node' as const, globalSetup: ['test/support/database/postgres.global-setup.ts'] };

export default defineConfig({
  ...shared,
  test: {
    maxWorkers: Number(process.env['TEST_WORKERS']),
    reporters: ['default', FAILURES_AS_THEY_COME],
    coverage: {
      provider: 'v8',
      reporter: ['text-summary', 'json-summary', 'html'],
      // A test that fails hides no coverage that is missing.
      reportOnFailure: true,
      include: ['apps/**/*.ts', 'libs/**/*.ts'],
      exclude: ['**/*.spec.ts', '**/*.int-spec.ts', '**/*.e2e-spec.ts', '**/index.ts', 'libs/*/src/testing.ts'],
      thresholds: {
        lines: 90,
        // What an acknowledged change depends on.
        'libs/registry/src/{domain,write}/**': { lines: 100, branches: 100 },
        'libs/registry/src/store/**': { lines: 100, branches: 100 },
        'libs/catalog/src/{model,tables}/**': { lines: 100, branches: 100 },
        'libs/log/src/{epochs,events,head}/**': { lines: 100, branches: 100 },
      },
    },
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          // Nothing that is loaded has a state of its own, and loading it takes longer than most of these files do.
          isolate: false,
          include: [`${room}/*.spec.ts`],
          environment: 'node',
          ...HANGING,
          ...AT_ONCE,
        },
      },
      {
        ...shared,
        test: {
          ...withDatabase,
          name: 'int',
          // As above: nothing of ours has a state of its own.
          isolate: false,
          include: [`${room}/*.int-spec.ts`],
          exclude: [alone],
          ...HANGING,
          ...AT_ONCE,
        },
      },
      {
        ...shared,
        test: {
          ...withDatabase,
          name: 'e2e',
          isolate: false,
          include: [`${room}/*.e2e-spec.ts`],
          ...HANGING,
          ...AT_ONCE,
        },
      },
      {
        ...shared,
        test: {
          ...withDatabase,
          name: 'alone',
          include: [alone],
          ...HANGING,
          ...AT_ONCE,
        },
      },
    ],
  },
});
