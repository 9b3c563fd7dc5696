import { likeliestName } from './likeliest-name.js';

/** Longer texts are no misspelt names, and take long to be compared. */
const MAX_LENGTH = 50;

/** Shorter ones are a part of nearly every name. */
const LEAST_PART = 3;

/** How many letters of a name so long may be wrong. */
const maxDistance = (length: number): number => {
  if (length <= 2) return 0;
  if (length <= 5) return 1;
  return length <= 8 ? 2 : 3;
};

/** Without what people write differently: case, dashes, underscores and dots. */
const plain = (name: string): string => name.toLowerCase().replaceAll(/[-_.]/g, '');

/** The letters in the order of the alphabet: the same for names of which two letters were swapped. */
const lettersOf = (name: string): string => name.split('').sort().join('');

/** The words of a name in camel case. */
const wordsOf = (name: string): string[] => name.split(/(?=[A-Z])|[-_.\s]/).map(plain);

/**
 * Which of the known names a caller meant: the one that is written a little differently (`Wait-Seconds`), misspelt
 * (`helthy`, `limti`), cut off (`wait`), longer by an ending (`statuses`), or without its other words (`version` for
 * `appVersion`). None where nothing is near: a wrong suggestion is worse than none.
 */
export function meantName(written: string, known: readonly string[]): string | undefined {
  if (written.length > MAX_LENGTH) return undefined;
  const name = plain(written);
  if (name === '') return undefined;
  const plains = known.map(plain);
  const finds = [
    () => plains.indexOf(name),
    () => plains.findIndex(other => `${other}s` === name || other === `${name}s`),
    () => plains.findIndex(other => name.length > LEAST_PART && lettersOf(other) === lettersOf(name)),
    () => plains.indexOf(likeliestName(name, plains, maxDistance(name.length)) ?? ''),
    () => onlyOne(plains, other => isPart(name, other)),
    () => onlyOne(plains, other => isPart(other, name)),
    () => onlyOne(known, other => wordsOf(other).includes(name)),
    () => onlyOne(plains, other => other.length >= LEAST_PART && wordsOf(written).includes(other)),
  ];
  for (const find of finds) {
    const index = find();
    if (index !== -1) return known[index];
  }
  return undefined;
}

const isPart = (part: string, whole: string): boolean => part.length >= LEAST_PART && whole.startsWith(part);

/** Where the only one is that something holds for; if there are two, none of them is likelier. */
function onlyOne(names: readonly string[], holds: (name: string) => boolean): number {
  const first = names.findIndex(holds);
  return names.findLastIndex(holds) === first ? first : -1;
}
