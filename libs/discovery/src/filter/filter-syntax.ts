import { type IToken } from 'chevrotain';
import { type Order } from '../selection/expression.js';

/** The syntax tree of a filter, before its meaning is checked. */
export type Syntax =
  | { readonly kind: 'and' | 'or'; readonly terms: readonly Syntax[] }
  | { readonly kind: 'not'; readonly term: Syntax }
  | Comparison;

export type Operator = 'equal' | 'contains' | 'matches' | 'empty' | Order;

export interface Comparison {
  readonly kind: 'comparison';
  /** A name and the keys that follow it. */
  readonly selector: readonly [IToken, ...IToken[]];
  readonly operator: Operator;
  /** The token of the operator. */
  readonly sign: IToken;
  readonly isNegated: boolean;
  /** The values of the comparison: none for `empty`, several for a list, one otherwise. */
  readonly values: readonly IToken[];
}
