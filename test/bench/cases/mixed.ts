import { type BenchCase } from '../bench-case.js';
import { expectChainValid, expectOnly } from '../harness/correctness.js';
import { withNodes } from '../harness/with-nodes.js';

const CONNECTIONS = 50;

/** Mixed operations per second of the system that this one replaces, with 50 clients. */
const REPLACED_PER_SECOND = 99.87;
const TIMES_AS_FAST = 40;

export const MIXED: BenchCase = {
  name: 'mixed',
  work: '50 clients register, discover, report health and read in turn',
  unit: 'operations/s',
  targets: [
    {
      what: `${TIMES_AS_FAST} × the replaced system`,
      of: 'perSecond',
      atLeast: TIMES_AS_FAST * REPLACED_PER_SECOND,
    },
  ],
  measure: context =>
    withNodes(context, {}, async ({ node, load }) => {
      const workload = { kind: 'mixed', prefix: 'mixed' } as const;
      const result = await load({ connections: CONNECTIONS, workload });
      // The very first reports and reads may come before the instance that they speak of.
      expectOnly(result, 200, 201, 404);
      if ((result.statuses[404] ?? 0) > 4 * CONNECTIONS) {
        throw new Error(`${result.statuses[404]} operations did not find what had been registered.`);
      }
      await expectChainValid(node.api);
      return result;
    }),
};
