import { EOF, type IToken, Lexer } from 'chevrotain';
import { type Expression } from '../selection/expression.js';
import { FilterGrammar } from './filter-grammar.js';
import { FILTER_MESSAGES, positionOf } from './filter-messages.js';
import { TOKEN, TOKENS } from './filter-tokens.js';
import { FilterMistake, toExpression } from './to-expression.js';

/** How deeply parentheses may be nested: each level costs the parser a few frames of the stack. */
const MAX_DEPTH = 20;

/** An expression, or the error in the text with its position. */
export type ParsedFilter = { readonly expression: Expression } | { readonly complaint: string };

/**
 * Creates a parser of filter expressions, which takes some milliseconds. The parser keeps no state between two texts. Texts
 * must be bounded in length; the parser bounds everything else.
 */
export function createFilterParser(): (text: string) => ParsedFilter {
  const lexer = new Lexer(TOKENS, { positionTracking: 'onlyOffset', ensureOptimizations: false });
  const grammar = new FilterGrammar(FILTER_MESSAGES);

  const parse = (text: string): Expression => {
    const { tokens, errors } = lexer.tokenize(text);
    const [unknown] = errors;
    if (unknown) throw new FilterMistake(complaintAbout(text, unknown.offset), unknown.offset);
    assertDepth(tokens);
    grammar.input = tokens;
    const syntax = grammar.expression();
    const [error] = grammar.errors;
    if (error) throw new FilterMistake(error.message, startOf(error.token, text));
    return toExpression(syntax);
  };

  return text => {
    try {
      return { expression: parse(text) };
    } catch (error) {
      if (!(error instanceof FilterMistake)) throw error;
      return { complaint: `${error.message}, at character ${positionOf(text, error.offset)}` };
    } finally {
      grammar.input = [];
    }
  };
}

const startOf = (token: IToken, text: string): number => (token.tokenType === EOF ? text.length : token.startOffset);

function assertDepth(tokens: readonly IToken[]): void {
  let depth = 0;
  for (const { tokenType, startOffset } of tokens) {
    if (tokenType === TOKEN.Open) depth += 1;
    if (tokenType === TOKEN.Close) depth -= 1;
    if (depth > MAX_DEPTH) {
      throw new FilterMistake(`parentheses must not be nested more than ${MAX_DEPTH} deep`, startOffset);
    }
  }
}

function complaintAbout(text: string, offset: number): string {
  const character = String.fromCodePoint(text.codePointAt(offset) ?? 0);
  if (character === '"')
    return 'the text that begins here does not end, or contains something that JSON does not allow';
  if (character === '`') return 'the text that begins here does not end';
  if (character === '=') return 'expected `==`, found =';
  if (character === "'") return 'text must be in double quotes or backquotes';
  return `there is no sign ${JSON.stringify(character)} in filters`;
}
