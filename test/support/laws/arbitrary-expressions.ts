import * as fc from 'fast-check';
import { INSTANCE_TYPES, SCHEMES, STATUSES } from '@coordination/catalog';
import { type JsonObject, type JsonValue } from '@coordination/kernel';
import { type Expression, ORDERS, type Scalar, type Selector } from '@coordination/discovery/testing';

/** Keys that have meaning, keys that have bitten programs, and keys that look like something else. */
const KEYS = ['a', 'b', '', '0', 'constructor', '__proto__', 'a"\\b', 'a.b', "it's", '$.a', '{a}', 'ä😀', '%'] as const;

/** Texts that are alike in one order and not in another (U+FF5E is before U+1F600 by code point only), and odd ones. */
const TEXTS = [
  '',
  'a',
  'A',
  'ab',
  'b',
  '1',
  '10',
  '9',
  'true',
  'null',
  'ä',
  '～',
  '😀',
  '😀a',
  "'; --",
  '$1',
  '\\',
  '%_',
] as const;

const NUMBERS = [0, 1, -1, 1.5, 9, 10, 0.1, 1e-7, -1e-300, 2 ** 53 - 1] as const;

const PATTERNS = ['^a', 'a$', '[0-9]+', '^$', '.', '(?i)A', '\\pL', 'a|b', '^.$'] as const;

const aText = fc.constantFrom(...TEXTS);
const aNumber = fc.constantFrom(...NUMBERS);
const aScalar: fc.Arbitrary<Scalar> = fc.oneof(aText, aNumber, fc.constantFrom(null, true, false));
const aKey = fc.constantFrom(...KEYS);

const dictionary = (value: fc.Arbitrary<JsonValue>): fc.Arbitrary<JsonObject> =>
  // From entries, since an assignment to __proto__ makes no key.
  fc.array(fc.tuple(aKey, value), { maxLength: 4 }).map(entries => Object.fromEntries(entries));

/** JSON of few keys and values, so that a filter often finds something. */
export const nastyJson: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>(tie => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    aScalar,
    fc.array(tie('value'), { maxLength: 3 }),
    dictionary(tie('value')),
  ),
})).value;

/** Metadata with what filters know, also where it is not what it should be. */
export const nastyMetadata: fc.Arbitrary<JsonObject> = fc
  .tuple(
    dictionary(nastyJson),
    fc.record(
      {
        version: fc.constantFrom<JsonValue>('1.0.0', '1.2.3', 'v2.0.0', '2.0.0-rc.1', '3.0.0+b', 'odd', 1, null),
        tags: fc.oneof(dictionary(aText), nastyJson),
        capabilities: fc.oneof(fc.array(aText, { maxLength: 3 }), nastyJson),
      },
      { requiredKeys: [] },
    ),
  )
  .map(([any, known]) => ({ ...any, ...known }));

const inMetadata: fc.Arbitrary<Selector> = fc.oneof(
  { weight: 3, arbitrary: aKey.map(key => ['metadata', key] as const) },
  { weight: 2, arbitrary: fc.array(aKey, { minLength: 1, maxLength: 3 }).map(keys => ['metadata', ...keys] as const) },
  { weight: 1, arbitrary: aKey.map(key => ['metadata', 'tags', key] as const) },
  { weight: 1, arbitrary: fc.constant(['metadata', 'version'] as const) },
);

const list = <Value>(value: fc.Arbitrary<Value>) => fc.array(value, { minLength: 1, maxLength: 3 });

const textLeaf = (of: Selector, values: readonly string[]): fc.Arbitrary<Expression> =>
  fc.oneof(
    list(fc.constantFrom(...values)).map(anyOf => ({ kind: 'equal' as const, of, anyOf })),
    fc
      .tuple(fc.constantFrom(...ORDERS), fc.constantFrom(...values))
      .map(([by, than]) => ({ kind: 'ordered' as const, of, by, than })),
    fc.constantFrom('', ...values).map(value => ({ kind: 'contains' as const, of, value })),
    fc.constantFrom(...PATTERNS).map(pattern => ({ kind: 'matches' as const, of, pattern })),
  );

const numberLeaf = (of: Selector, values: readonly number[]): fc.Arbitrary<Expression> =>
  fc.oneof(
    list(fc.constantFrom(...values)).map(anyOf => ({ kind: 'equal' as const, of, anyOf })),
    fc
      .tuple(fc.constantFrom(...ORDERS), fc.constantFrom(...values))
      .map(([by, than]) => ({ kind: 'ordered' as const, of, by, than })),
  );

const fieldLeaf: fc.Arbitrary<Expression> = fc.oneof(
  textLeaf(['service'], ['orders', 'billing', 'm']),
  textLeaf(['namespace'], ['default', 'shop']),
  textLeaf(['instanceId'], ['i-1', 'i-10', 'i-2']),
  textLeaf(['host'], ['10.0.3.17', '10']),
  textLeaf(['type'], INSTANCE_TYPES),
  textLeaf(['scheme'], SCHEMES),
  textLeaf(['status'], STATUSES),
  textLeaf(['zone'], ['eu-1', 'eu-1a', '']),
  list(fc.constantFrom(null, 'eu-1')).map(anyOf => ({ kind: 'equal' as const, of: ['zone'] as const, anyOf })),
  fc.constant({ kind: 'empty' as const, of: ['zone'] as const }),
  numberLeaf(['port'], [80, 8080, 8080.5, -1]),
  numberLeaf(['weight'], [0, 100, 1e-7]),
  textLeaf(['incarnation'], ['boot-1', 'boot-2', 'boot']),
  list(fc.constantFrom(null, 'boot-1')).map(anyOf => ({
    kind: 'equal' as const,
    of: ['incarnation'] as const,
    anyOf,
  })),
  fc.constant({ kind: 'empty' as const, of: ['incarnation'] as const }),
  numberLeaf(['incarnationNumber'], [1, 2, 1.5]),
);

const metadataLeaf: fc.Arbitrary<Expression> = inMetadata.chain(of =>
  fc.oneof(
    list(aScalar).map(anyOf => ({ kind: 'equal' as const, of, anyOf })),
    fc
      .tuple(fc.constantFrom(...ORDERS), fc.oneof(aText, aNumber))
      .map(([by, than]) => ({ kind: 'ordered' as const, of, by, than })),
    fc.oneof(aScalar, aKey).map(value => ({ kind: 'contains' as const, of, value })),
    fc.constantFrom(...PATTERNS).map(pattern => ({ kind: 'matches' as const, of, pattern })),
    fc.constantFrom({ kind: 'empty' as const, of }, { kind: 'present' as const, of }),
  ),
);

const otherLeaf: fc.Arbitrary<Expression> = fc.oneof(
  nastyMetadata.map(wanted => ({ kind: 'within-metadata' as const, wanted })),
  aText.map(value => ({ kind: 'within-metadata' as const, wanted: { capabilities: [value] } })),
  fc
    .constantFrom('*', '^1.0.0', '>=1.2 <3', '1.2.3', '>=2.0.0-rc', '<1')
    .map(range => ({ kind: 'version' as const, range })),
  fc.constant({ kind: 'empty' as const, of: ['metadata'] as const }),
  aKey.map(value => ({ kind: 'contains' as const, of: ['metadata'] as const, value })),
);

/** Any expression, a pattern or a range in any place of it. */
export const someExpression: fc.Arbitrary<Expression> = fc.letrec<{ expression: Expression }>(tie => ({
  expression: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { weight: 4, arbitrary: metadataLeaf },
    { weight: 3, arbitrary: fieldLeaf },
    { weight: 1, arbitrary: otherLeaf },
    { weight: 2, arbitrary: tie('expression').map(term => ({ kind: 'not' as const, term })) },
    {
      weight: 3,
      arbitrary: fc
        .tuple(
          fc.constantFrom('and' as const, 'or' as const),
          fc.array(tie('expression'), { minLength: 2, maxLength: 3 }),
        )
        .map(([kind, terms]) => ({ kind, terms })),
    },
  ),
})).expression;
