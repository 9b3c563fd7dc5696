import process from 'node:process';
import { createInterface } from 'node:readline/promises';

/**
 * Checks that the user confirms the loss of all data of a database: by `--yes`, by its name after `--database`, or by typing the
 * name at a terminal. Throws otherwise, before anything is changed.
 * @param {{ database: string, isDoubtful: boolean }} target
 * @param {{ yes?: boolean, database?: string, isProduction: boolean }} options
 */
export async function assertConsent({ database, isDoubtful }, { yes, database: named, isProduction }) {
  if (isProduction) {
    throw new Error('db-reset does not run with NODE_ENV=production. Nothing was changed.');
  }
  if (named !== undefined) return assertSame(named, database);
  if (yes && isDoubtful) {
    throw new Error(
      `--yes is not sufficient, because the settings name different databases: add --database ${database}.`,
    );
  }
  if (yes) return undefined;
  if (!process.stdin.isTTY) {
    throw new Error(
      `db-reset deletes all data of the database ${database}. There is no terminal to confirm it: ` +
        `add --database ${database}, or --yes. Nothing was changed.`,
    );
  }
  return assertSame(await typed(`All data of ${database} will be lost. Type the name of the database: `), database);
}

function assertSame(named, database) {
  if (named === database) return;
  throw new Error(`The database is ${database}, and not “${named}”. Nothing was changed.`);
}

/** Reads a line from the terminal; empty if the user closes it (Ctrl-C, Ctrl-D). */
async function typed(question) {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const closed = new Promise(resolve => terminal.once('close', () => resolve('')));
  const answer = await Promise.race([terminal.question(question), closed]);
  terminal.close();
  return answer.trim();
}
