import { execFile } from 'node:child_process';
import { resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../../..');

/** How a command ended, and all that it printed. */
export interface CommandEnd {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** How a command is run. */
export interface CommandOptions {
  readonly cwd: string;
  /** All that it has of an environment, besides PATH. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a command to its end, without a terminal. */
export function runCommand([file = '', ...args]: readonly string[], options: CommandOptions): Promise<CommandEnd> {
  const { PATH } = process.env;
  return new Promise(done => {
    const child = execFile(file, args, { cwd: options.cwd, env: { PATH, ...options.env } }, (error, out, err) =>
      done({ code: error === null ? 0 : Number(error.code), out, err }),
    );
    child.stdin?.end();
  });
}
