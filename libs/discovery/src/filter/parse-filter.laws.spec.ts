import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { someExpression } from '../../../../test/support/laws/arbitrary-expressions.js';
import { type Expression, leavesOf, type Selector } from '../selection/expression.js';
import { createFilterParser } from './parse-filter.js';
import { kindOf } from './selectors.js';

const parse = createFilterParser();

/** Whether an expression can be written; what only the shorter parameters can say, and what can never hold, cannot. */
const isWritable = (expression: Expression): boolean =>
  leavesOf(expression).every(leaf => {
    if (leaf.kind === 'present' || leaf.kind === 'within-metadata' || leaf.kind === 'version') return false;
    return kindOf(leaf.of).operators.has(leaf.kind === 'ordered' ? leaf.by : leaf.kind);
  });

const write = (selector: Selector): string =>
  `${selector[0]}${selector
    .slice(1)
    .map(key => `[${JSON.stringify(key)}]`)
    .join('')}`;

function print(expression: Expression): string {
  switch (expression.kind) {
    case 'and':
    case 'or':
      return expression.terms.map(term => `(${print(term)})`).join(` ${expression.kind} `);
    case 'not':
      return `not (${print(expression.term)})`;
    case 'equal':
      return `${write(expression.of)} in ${JSON.stringify(expression.anyOf)}`;
    case 'ordered':
      return `${write(expression.of)} ${expression.by} ${JSON.stringify(expression.than)}`;
    case 'contains':
      return `${write(expression.of)} contains ${JSON.stringify(expression.value)}`;
    case 'matches':
      return `${write(expression.of)} matches \`${expression.pattern}\``;
    case 'empty':
      return `${write(expression.of)} is empty`;
    default:
      throw new Error(`${expression.kind} cannot be written`);
  }
}

const WORDS = ['and', 'or', 'not', 'in', 'is', 'empty', 'contains', 'matches', 'zone', 'metadata', 'port', 'null'];
const SIGNS = ['(', ')', '[', ']', ',', '.', '"', '`', '\\', '==', '!=', '<', '>=', '-', '.a', '1', '"a"', '`(`'];
const STRANGERS = ['😀', '\ud800', '\0'];

/** Pieces of filters in any order. */
const scraps = fc
  .array(fc.constantFrom(...WORDS, ...SIGNS, ...STRANGERS), { maxLength: 30 })
  .chain(pieces => fc.constantFrom('', ' ').map(space => pieces.join(space)));

describe('the parser', () => {
  it('reads what is written, whatever is in it', () => {
    fc.assert(
      fc.property(someExpression.filter(isWritable), fc.context(), (expression, context) => {
        const text = print(expression);
        context.log(text);
        const parsed = parse(text);
        // Five patterns at most may stand in a filter.
        if ('complaint' in parsed) expect(parsed.complaint).toContain('patterns');
        else expect(parsed.expression).toEqual(expression);
      }),
      { numRuns: 500 },
    );
  });

  it('returns for every text its expression, or the position of its error', () => {
    fc.assert(
      fc.property(fc.oneof(scraps, fc.string({ unit: 'binary', maxLength: 50 })), text => {
        const parsed = parse(text);
        if (!('complaint' in parsed)) return;
        const [, position] = /, at character (\d+)$/.exec(parsed.complaint) ?? [];
        expect(Number(position)).toBeGreaterThan(0);
        expect(Number(position)).toBeLessThanOrEqual(Array.from(text).length + 1);
      }),
      { numRuns: 2_000 },
    );
  });
});
