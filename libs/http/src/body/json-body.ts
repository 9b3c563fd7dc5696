import { isUtf8 } from 'node:buffer';
import { findUnstorable, MalformedJsonError, ValidationFailedError } from '@coordination/kernel';
import { countKeysInText, countKeysInValue, findDuplicateKey } from './duplicate-keys.js';

/**
 * The value of a JSON body, or `undefined` for an empty one. Whatever could not be stored as it is, or means one thing to
 * us and another to somebody else, is refused here, so that nothing behind the door has to think of it.
 * @throws MalformedJsonError when it is not UTF-8, not JSON, nested too deeply, or names a key twice or `__proto__`
 * @throws ValidationFailedError when a text or number in it cannot be kept as it is; every such place is named
 */
export function parseJsonBody(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  if (!isUtf8(bytes)) throw new MalformedJsonError('The body is not UTF-8 text. Send JSON in UTF-8.');
  const text = bytes.toString();
  const value = parse(text);
  const poison = findUnstorable(value);
  const structural = poison.find(finding => finding.structural);
  if (structural) {
    throw new MalformedJsonError(`${structural.path || 'The body'} ${structural.message}.`, { errors: poison });
  }
  if (poison.length > 0) throw new ValidationFailedError(poison);
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
