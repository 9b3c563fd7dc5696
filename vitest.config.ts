import { defineConfig } from 'vitest/config';
import { requireNode } from './scripts/require-node.mjs';

requireNode();

/** Decorators as Nest needs them; the root tsconfig gives the path aliases. */
const shared = {
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  resolve: { tsconfigPaths: true },
} as const;

const room = '{apps,libs,test,scripts,migrations}/**';

/** gRPC keeps what it knows of addresses for the whole process, and ports are used again: these get a process for each file. */
const alone = 'libs/liveness/src/probes/**/*.int-spec.ts';

const withDatabase = { environment: 'node' as const, globalSetup: ['test/support/postgres.global-setup.ts'] };

export default defineConfig({
  ...shared,
  test: {
    // Most tests wait for processes, servers and time limits: more at once than Vitest's one on a machine of two cores.
    maxWorkers: 4,
    coverage: {
      provider: 'v8',
      reporter: ['text-summary', 'json-summary', 'html'],
      include: ['apps/**/*.ts', 'libs/**/*.ts'],
      exclude: ['**/*.spec.ts', '**/*.int-spec.ts', '**/*.e2e-spec.ts', '**/index.ts'],
      thresholds: {
        lines: 90,
        // What an acknowledged change depends on.
        'libs/registry/src/{domain,write}/**': { lines: 100, branches: 100 },
        'libs/registry/src/service-instance.repository.ts': { lines: 100, branches: 100 },
        'libs/audit/src/{hash-chain,read-index,service-event.repository,catalog-head.repository}.ts': {
          lines: 100,
          branches: 100,
        },
      },
    },
    projects: [
      // Laws are tried on hundreds of values; on a machine that is busy with the other projects that takes its time.
      {
        ...shared,
        test: {
          name: 'unit',
          // Nothing that is loaded has a state of its own, and loading it takes longer than most of these files do.
          isolate: false,
          include: [`${room}/*.spec.ts`],
          environment: 'node',
          testTimeout: 60_000,
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
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        ...shared,
        test: {
          ...withDatabase,
          name: 'e2e',
          isolate: false,
          include: [`${room}/*.e2e-spec.ts`],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        ...shared,
        test: {
          ...withDatabase,
          name: 'alone',
          include: [alone],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
