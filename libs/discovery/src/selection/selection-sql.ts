import { type Expression, leavesOf } from './expression.js';
import { isDecidedInSql, toSql } from './expression-sql.js';
import { type Selection } from './selection.js';

/** Conditions of a query on a relation `i`, and the values of their parameters. */
export class Conditions {
  readonly parameters: unknown[] = [];
  private readonly texts: string[] = [];

  /** Adds a condition on one value; `$` stands for it. */
  add(text: string, value: unknown): this {
    this.texts.push(text.replaceAll('$', this.bind(value)));
    return this;
  }

  /** Adds a condition whose values are bound already. */
  addBound(text: string): this {
    this.texts.push(text);
    return this;
  }

  /** Adds a value. @returns its placeholder */
  bind(value: unknown): string {
    return `$${this.parameters.push(value)}`;
  }

  get where(): string {
    return this.texts.length === 0 ? '' : `where ${this.all}`;
  }

  /** All conditions as one; `true` when there are none. */
  get all(): string {
    return this.texts.length === 0 ? 'true' : this.texts.join(' and ');
  }
}

/**
 * Adds the conditions of a selection, which mean the same as its matcher in memory, on a relation `i` with the columns
 * namespace, service, instance_id, type, scheme, host, port, zone, weight, metadata and status.
 * @returns whether the conditions are complete; if not, they select too much, and `matcher(selection)` must test each row
 */
export function addSelection(conditions: Conditions, selection: Selection): boolean {
  const { statuses, where } = selection;
  if (statuses !== 'any') conditions.add('i.status = any($::text[])', statuses);
  if (where === null) return true;
  for (const term of conjuncts(where)) conditions.addBound(toSql(term, value => conditions.bind(value)));
  return leavesOf(where).every(isDecidedInSql);
}

const conjuncts = (where: Expression): readonly Expression[] => (where.kind === 'and' ? where.terms : [where]);

/** A statement with the values of its parameters. */
export interface Statement {
  readonly text: string;
  readonly parameters: readonly unknown[];
}
