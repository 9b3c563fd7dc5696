import { type IToken } from 'chevrotain';
import { type Order } from '../selection/expression.js';

/** A filter as it is written, before anybody asked whether it makes sense. */
export type Syntax =
  | { readonly kind: 'and' | 'or'; readonly terms: readonly Syntax[] }
  | { readonly kind: 'not'; readonly term: Syntax }
  | Comparison;

export type Operator = 'equal' | 'contains' | 'matches' | 'empty' | Order;

export interface Comparison {
  readonly kind: 'comparison';
  /** A name, and the keys that follow it. */
  readonly selector: readonly [IToken, ...IToken[]];
  readonly operator: Operator;
  /** The token that stands for the operator. */
  readonly sign: IToken;
  readonly isNegated: boolean;
  /** What it is compared with: none for `empty`, several for a list, one otherwise. */
  readonly values: readonly IToken[];
}
