import process from 'node:process';
import { createInterface } from 'node:readline/promises';

/**
 * Makes sure that somebody wants the content of a database to be lost: by `--yes`, by its name after `--database`, or by the
 * name typed at a terminal. Throws where nobody does; nothing has been done until then.
 * @param {{ database: string, isDoubtful: boolean }} target
 * @param {{ yes?: boolean, database?: string, isProduction: boolean }} options
 */
export async function assertConsent({ database, isDoubtful }, { yes, database: named, isProduction }) {
  if (isProduction) {
    throw new Error('db-reset is refused with NODE_ENV=production. Nothing was done.');
  }
  if (named !== undefined) return assertSame(named, database);
  if (yes && isDoubtful) {
    throw new Error(`--yes is not enough where settings name different databases: add --database ${database}.`);
  }
  if (yes) return undefined;
  if (!process.stdin.isTTY) {
    throw new Error(
      `db-reset removes all content of the database ${database}. There is no terminal to ask at: ` +
        `add --database ${database}, or --yes. Nothing was done.`,
    );
  }
  return assertSame(await typed(`All content of ${database} will be lost. Type the name of the database: `), database);
}

function assertSame(named, database) {
  if (named === database) return;
  throw new Error(`The database is ${database}, and not “${named}”. Nothing was done.`);
}

/** A line from the terminal; empty when it is closed instead (Ctrl-C, Ctrl-D). */
async function typed(question) {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const closed = new Promise(resolve => terminal.once('close', () => resolve('')));
  const answer = await Promise.race([terminal.question(question), closed]);
  terminal.close();
  return answer.trim();
}
