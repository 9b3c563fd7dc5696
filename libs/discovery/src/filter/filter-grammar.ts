import { EmbeddedActionsParser, type IParserErrorMessageProvider, type IToken, type ParserMethod } from 'chevrotain';
import { type Order } from '../selection/expression.js';
import { type Comparison, type Syntax } from './filter-syntax.js';
import { TOKEN, TOKENS } from './filter-tokens.js';

type Rule<Result> = ParserMethod<[], Result>;

/** What follows a selector. */
type Ending = Pick<Comparison, 'operator' | 'sign' | 'isNegated' | 'values'>;

/**
 * The grammar of filter expressions, each rule one line of it:
 *
 *     expression  := conjunction ('or' conjunction)*
 *     conjunction := negation ('and' negation)*
 *     negation    := 'not'* ('(' expression ')' | value 'not'? 'in' selector | selector ending)
 *     ending      := ('==' | '!=' | '<' | '<=' | '>' | '>=') value
 *                  | 'not'? ('in' list | 'contains' value | 'matches' text) | 'is' 'not'? 'empty'
 *     selector    := name ('.' key | '[' text ']')*
 *     list        := '[' value (',' value)* ']'
 *     value       := text | number | 'true' | 'false' | 'null'
 *
 * Only parentheses are recursive; the caller bounds their depth before parsing.
 */
export class FilterGrammar extends EmbeddedActionsParser {
  readonly expression: Rule<Syntax> = this.RULE('expression', (): Syntax => {
    const terms: Syntax[] = [];
    this.AT_LEAST_ONE_SEP({ SEP: TOKEN.Or, DEF: () => terms.push(this.SUBRULE(this.conjunction)) });
    return terms.length === 1 ? terms[0]! : { kind: 'or', terms };
  });

  private readonly conjunction: Rule<Syntax> = this.RULE('conjunction', (): Syntax => {
    const terms: Syntax[] = [];
    this.AT_LEAST_ONE_SEP({ SEP: TOKEN.And, DEF: () => terms.push(this.SUBRULE(this.negation)) });
    return terms.length === 1 ? terms[0]! : { kind: 'and', terms };
  });

  private readonly negation: Rule<Syntax> = this.RULE('negation', (): Syntax => {
    let isNegated = false;
    this.MANY(() => {
      this.CONSUME(TOKEN.Not);
      isNegated = !isNegated;
    });
    const term = this.OR([
      { ALT: (): Syntax => this.SUBRULE(this.group) },
      { ALT: (): Syntax => this.SUBRULE(this.valueInSelector) },
      { ALT: (): Syntax => this.SUBRULE(this.selectorWithEnding) },
    ]);
    return isNegated ? { kind: 'not', term } : term;
  });

  private readonly group: Rule<Syntax> = this.RULE('group', (): Syntax => {
    this.CONSUME(TOKEN.Open);
    const inner = this.SUBRULE(this.expression);
    this.CONSUME(TOKEN.Close);
    return inner;
  });

  private readonly valueInSelector: Rule<Comparison> = this.RULE('valueInSelector', (): Comparison => {
    const values = [this.SUBRULE(this.value)];
    const isNegated = this.OPTION(() => this.CONSUME(TOKEN.Not)) !== undefined;
    const sign = this.CONSUME(TOKEN.In);
    const selector = this.SUBRULE(this.selector);
    return { kind: 'comparison', selector, operator: 'contains', sign, isNegated, values };
  });

  private readonly selectorWithEnding: Rule<Comparison> = this.RULE('selectorWithEnding', (): Comparison => {
    const selector = this.SUBRULE(this.selector);
    const ending = this.OR([
      { ALT: () => this.SUBRULE(this.comparison) },
      { ALT: () => this.SUBRULE(this.emptiness) },
      { ALT: () => this.SUBRULE(this.wordy) },
    ]);
    return { kind: 'comparison', selector, ...ending };
  });

  private readonly comparison: Rule<Ending> = this.RULE('comparison', (): Ending => {
    const sign = this.OR([
      { ALT: () => this.CONSUME(TOKEN.Equal) },
      { ALT: () => this.CONSUME(TOKEN.Unequal) },
      { ALT: () => this.CONSUME(TOKEN.Less) },
      { ALT: () => this.CONSUME(TOKEN.AtMost) },
      { ALT: () => this.CONSUME(TOKEN.More) },
      { ALT: () => this.CONSUME(TOKEN.AtLeast) },
    ]);
    const isNegated = sign.image === '!=';
    const operator = isNegated || sign.image === '==' ? 'equal' : (sign.image as Order);
    return { operator, sign, isNegated, values: [this.SUBRULE(this.value)] };
  });

  private readonly emptiness: Rule<Ending> = this.RULE('emptiness', (): Ending => {
    this.CONSUME(TOKEN.Is);
    const isNegated = this.OPTION(() => this.CONSUME(TOKEN.Not)) !== undefined;
    return { operator: 'empty', sign: this.CONSUME(TOKEN.Empty), isNegated, values: [] };
  });

  private readonly wordy: Rule<Ending> = this.RULE('wordy', (): Ending => {
    const isNegated = this.OPTION(() => this.CONSUME(TOKEN.Not)) !== undefined;
    return this.OR([
      {
        ALT: (): Ending => {
          const sign = this.CONSUME(TOKEN.In);
          return { operator: 'equal', sign, isNegated, values: this.SUBRULE(this.list) };
        },
      },
      {
        ALT: (): Ending => {
          const sign = this.CONSUME(TOKEN.Contains);
          return { operator: 'contains', sign, isNegated, values: [this.SUBRULE(this.value)] };
        },
      },
      {
        ALT: (): Ending => {
          const sign = this.CONSUME(TOKEN.Matches);
          return { operator: 'matches', sign, isNegated, values: [this.SUBRULE2(this.value)] };
        },
      },
    ]);
  });

  private readonly selector: Rule<[IToken, ...IToken[]]> = this.RULE('selector', () => {
    const path: [IToken, ...IToken[]] = [this.CONSUME(TOKEN.Name)];
    this.MANY(() =>
      this.OR([
        { ALT: () => path.push(this.CONSUME(TOKEN.Key)) },
        {
          ALT: () => {
            this.CONSUME(TOKEN.OpenList);
            path.push(this.SUBRULE(this.text));
            this.CONSUME(TOKEN.CloseList);
          },
        },
      ]),
    );
    return path;
  });

  private readonly list: Rule<IToken[]> = this.RULE('list', () => {
    const values: IToken[] = [];
    this.CONSUME(TOKEN.OpenList);
    this.AT_LEAST_ONE_SEP({ SEP: TOKEN.Comma, DEF: () => values.push(this.SUBRULE(this.value)) });
    this.CONSUME(TOKEN.CloseList);
    return values;
  });

  private readonly text: Rule<IToken> = this.RULE('text', () =>
    this.OR([{ ALT: () => this.CONSUME(TOKEN.Text) }, { ALT: () => this.CONSUME(TOKEN.Raw) }]),
  );

  private readonly value: Rule<IToken> = this.RULE('value', () =>
    this.OR([
      { ALT: () => this.CONSUME(TOKEN.Text) },
      { ALT: () => this.CONSUME(TOKEN.Raw) },
      { ALT: () => this.CONSUME(TOKEN.Number) },
      { ALT: () => this.CONSUME(TOKEN.True) },
      { ALT: () => this.CONSUME(TOKEN.False) },
      { ALT: () => this.CONSUME(TOKEN.Null) },
    ]),
  );

  constructor(errorMessageProvider: IParserErrorMessageProvider) {
    super(TOKENS, { errorMessageProvider, maxLookahead: 1 });
    this.performSelfAnalysis();
  }
}
