import { isUtf8 } from 'node:buffer';
import { findUnstorable, MalformedJsonError, ValidationFailedError } from '@coordination/kernel';
import { countKeysInText, countKeysInValue, findDuplicateKey } from './duplicate-keys.js';

/**
 * The value of a JSON body, or `undefined` for an empty one. Values that cannot be stored unchanged, or that parsers read
 * differently, are refused here, so that no other code has to consider them.
 * @throws MalformedJsonError when it is not UTF-8, not JSON, nested too deeply, or has a duplicate key or the key `__proto__`
 * @throws ValidationFailedError when a text or number in it cannot be stored unchanged; it names every such place
 */
export function parseJsonBody(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  if (!isUtf8(bytes)) throw new MalformedJsonError('The body is not UTF-8 text. Send JSON in UTF-8.');
  const text = bytes.toString();
  const value = parse(text);
  const unstorable = findUnstorable(value);
  const structural = unstorable.find(finding => finding.structural);
  if (structural) {
    throw new MalformedJsonError(`${structural.path || 'The body'} ${structural.message}.`, { errors: unstorable });
  }
  if (unstorable.length > 0) throw new ValidationFailedError(unstorable);
  if (countKeysInText(text) !== countKeysInValue(value)) {
    const path = findDuplicateKey(text) ?? '';
    const message = 'is named twice in one object';
    throw new MalformedJsonError(`${path} ${message}. Name every key once.`, { errors: [{ path, message }] });
  }
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof SyntaxError ? error.message : 'it cannot be read';
    throw new MalformedJsonError(`The body is not JSON: ${reason.replace(/[.]$/, '')}.`);
  }
}
