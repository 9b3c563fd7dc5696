import { query } from '@coordination/database';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type CompiledQuery } from 'kysely';

/** A step of a plan, and how it went. */
export interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

const nodesOf = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];

/** An entity manager that explains each statement as it runs, before it runs it for its result. */
function explaining(em: EntityManager, plans: PlanNode[][]): EntityManager {
  const executeQuery = async (statement: CompiledQuery) => {
    const explain = `explain (analyze, timing off, format json) ${statement.sql}`;
    const [row] = await query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(em, explain, statement.parameters);
    plans.push(nodesOf(row!['QUERY PLAN'][0].Plan));
    return await em.getKysely().executeQuery(statement);
  };
  return { getKysely: () => ({ executeQuery }) } as unknown as EntityManager;
}

/** The plans of the statements of some reading work: all steps of each. */
export async function plansOf(em: EntityManager, work: (em: EntityManager) => Promise<unknown>): Promise<PlanNode[][]> {
  const plans: PlanNode[][] = [];
  await work(explaining(em, plans));
  return plans;
}

/** Rows that a plan looked at of a relation or its partitions, those that it threw away too. */
export const rowsTouched = (plan: readonly PlanNode[], relation: string): number =>
  plan
    .filter(node => node['Relation Name']?.startsWith(relation))
    .reduce(
      (sum, node) => sum + (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'],
      0,
    );

/** The indexes of a plan. */
export const indexesOf = (plan: readonly PlanNode[]): string[] => plan.flatMap(node => node['Index Name'] ?? []);
