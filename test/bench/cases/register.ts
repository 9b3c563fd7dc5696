import { type BenchCase, type BenchContext, type Measured, type Target, type Yardstick } from '../bench-case.js';
import { expectChainValid, expectOnly, expectRecorded } from '../harness/correctness.js';
import { withNodes } from '../harness/with-nodes.js';
import { pg1 } from '../yardsticks/pg1.js';

/** Registrations per second of the system that this one replaces. */
const REPLACED_PER_SECOND = 27.64;

/** How many times as fast registering has to be. */
const TIMES_AS_FAST = 150;

/** The database alone: see docs/benchmarks.md. */
export const PG1: Yardstick = {
  name: 'PG1',
  measure: async ({ postgres, seconds, pg1Tool }) => {
    const databaseUrl = await postgres.createDatabase();
    try {
      return { perSecond: await pg1(databaseUrl, seconds, pg1Tool) };
    } finally {
      await postgres.dropDatabase(databaseUrl);
    }
  },
};

interface RegisterOptions {
  readonly connections: number;
  readonly perRequest: number;
}

/** Registers new instances, durably, audited and chained; counts instances. */
const registering =
  ({ connections, perRequest }: RegisterOptions) =>
  (context: BenchContext): Promise<Measured> =>
    withNodes(context, {}, async ({ databaseUrl, node, load }) => {
      const workload = { kind: 'register', prefix: 'bench', perRequest } as const;
      const result = await load({ connections, workload });
      const status = perRequest === 1 ? 201 : 200;
      expectOnly(result, status);
      await expectRecorded(databaseUrl, result, { status, perRequest });
      await expectChainValid(node.api);
      const { p50, p99, serviceCores, postgresCores, busySeconds } = result;
      const instances = { perSecond: result.perSecond * perRequest, operations: result.operations * perRequest };
      return { ...instances, p50, p99, serviceCores, postgresCores, busySeconds };
    });

const fast: Target = {
  what: `${TIMES_AS_FAST} × the replaced system`,
  of: 'perSecond',
  atLeast: TIMES_AS_FAST * REPLACED_PER_SECOND,
};

export const REGISTER_50: BenchCase = {
  name: 'register',
  work: 'new instances with metadata and tags, 50 connections',
  unit: 'registrations/s',
  yardstick: PG1,
  targets: [
    { what: '0.55 × PG1', of: 'ratio', atLeast: 0.55, aim: 0.9 },
    { what: 'p99 40 ms', of: 'p99', atMost: 40 },
    fast,
  ],
  measure: registering({ connections: 50, perRequest: 1 }),
};

export const REGISTER_200: BenchCase = {
  name: 'register-200',
  work: 'new instances with metadata and tags, 200 connections',
  unit: 'registrations/s',
  yardstick: PG1,
  targets: [
    { what: '0.8 × PG1', of: 'ratio', atLeast: 0.8, aim: 1.2 },
    { what: 'p99 100 ms', of: 'p99', atMost: 100 },
    fast,
  ],
  measure: registering({ connections: 200, perRequest: 1 }),
};

export const REGISTER_BATCH: BenchCase = {
  name: 'register-batch',
  work: '100 new instances per request, 8 connections',
  unit: 'instances/s',
  yardstick: PG1,
  targets: [{ what: '1.4 × PG1', of: 'ratio', atLeast: 1.4, aim: 1.8 }],
  measure: registering({ connections: 8, perRequest: 100 }),
};
