import { EOF, type IParserErrorMessageProvider, type IToken, type TokenType, tokenLabel } from 'chevrotain';

/** How much of a token a message repeats. */
const MAX_SHOWN = 30;

/** The messages of the parser: what was expected, and what was found. The position is added by the caller. */
export const FILTER_MESSAGES: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected, actual }) => expectedNot([expected], actual),
  buildNotAllInputParsedMessage: ({ firstRedundant }) =>
    `expected \`and\`, \`or\` or the end, found ${shown(firstRedundant)}`,
  buildNoViableAltMessage: ({ expectedPathsPerAlt, actual }) => expectedNext(expectedPathsPerAlt.flat(), actual),
  buildEarlyExitMessage: ({ expectedIterationPaths, actual }) => expectedNext(expectedIterationPaths, actual),
};

/** The position of a token or character in a text, counted in characters from 1. */
export const positionOf = (text: string, offset: number): number => Array.from(text.slice(0, offset)).length + 1;

/** The lookahead of the parser is one token. */
const expectedNext = (paths: readonly TokenType[][], [next]: readonly IToken[]): string =>
  expectedNot(
    paths.flatMap(([type]) => type ?? []),
    next,
  );

function expectedNot(types: readonly TokenType[], actual: IToken | undefined): string {
  const labels = [...new Set(types.map(tokenLabel))];
  const last = labels.pop() ?? 'something else';
  const expected = labels.length > 0 ? `${labels.join(', ')} or ${last}` : last;
  return `expected ${expected}, found ${actual ? shown(actual) : 'the end'}`;
}

/** A token as a message repeats it. */
export function shown(token: IToken): string {
  if (token.tokenType === EOF) return 'the end';
  return token.image.length > MAX_SHOWN ? `${token.image.slice(0, MAX_SHOWN)}…`.toWellFormed() : token.image;
}
