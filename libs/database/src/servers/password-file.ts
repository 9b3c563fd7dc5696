import { readFile, stat } from 'node:fs/promises';
import { UnusableFileError } from './unusable-file.errors.js';

/** More than any password has. */
const MOST_BYTES = 4_096;

/**
 * The password that a file holds, without line breaks at its end, which editors and `echo` add.
 * @throws UnusableFileError when there is none in it
 */
export async function readPassword(path: string): Promise<string> {
  const file = `The file ${path} with the password of the database`;
  const bytes = await bytesOf(path, file);
  const password = textOf(bytes, file).replace(/[\r\n]+$/, '');
  if (password === '') throw new UnusableFileError(`${file} is empty.`);
  return password;
}

async function bytesOf(path: string, file: string): Promise<Buffer> {
  try {
    const found = await stat(path);
    // To open a pipe would wait for its writer, and a device may have no end.
    if (!found.isFile()) throw new UnusableFileError(`${file} is not a regular file.`);
    if (found.size > MOST_BYTES) {
      throw new UnusableFileError(
        `${file} has more than ${MOST_BYTES} bytes: it must hold the password and nothing else.`,
      );
    }
    return await readFile(path);
  } catch (error) {
    if (error instanceof UnusableFileError) throw error;
    throw new UnusableFileError(`${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`, error);
  }
}

/** Without a byte order mark. */
function textOf(bytes: Buffer, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new UnusableFileError(`${file} is not text in UTF-8.`, error);
  }
}
