import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Account, canEnter, giveTo, serverAccount } from './account.js';
import { findBinaries } from './binaries.js';
import { claimDirectory, PRIVATE_DIRECTORY } from './claim-directory.js';
import { ELSEWHERE, MOVED_TO } from './earlier-home.js';
import { stopServer } from './server-process.js';

/** Mode of {@link ELSEWHERE}: the server's account must get through it. */
const PASSABLE_DIRECTORY = 0o755;
const PRIVATE_FILE = 0o600;
const PASSWORD_BYTES = 24;

/** Everything that one embedded server consists of on disk. */
export interface Home {
  /** Mode 700, of the server's account: holds `data`, `password` and `server.log`. */
  readonly directory: string;
  readonly data: string;
  readonly binaries: string;
  readonly account: Account | undefined;
  readonly password: string;
}

/**
 * Prepares the home of the server for the directory that was asked for. Usually that is this directory itself; run by
 * root in a place that no other user can enter it is a copy (binaries too) under {@link ELSEWHERE}.
 * The caller holds the lock of `directory`.
 */
export async function prepareHome(directory: string, log: (line: string) => void): Promise<Home> {
  const binaries = await findBinaries();
  const account = await serverAccount(join(directory, 'data'), directory);
  const marker = join(directory, MOVED_TO);
  if (account && (existsSync(marker) || !(await reachable(account, binaries, dirname(directory))))) {
    const elsewhere = join(ELSEWHERE, createHash('sha256').update(directory).digest('hex').slice(0, 16));
    if (existsSync(marker) && existsSync(elsewhere)) await claimElsewhere(elsewhere);
    else await moveTo(elsewhere, directory, account, log);
    await copyBinaries(binaries, join(elsewhere, 'binaries'), account);
    await writeFile(marker, `${elsewhere}\n`);
    log(`No user but root can enter ${directory}; the embedded PostgreSQL lives in ${elsewhere}`);
    return complete(elsewhere, join(elsewhere, 'binaries'), account);
  }
  return complete(directory, binaries, account);
}

async function reachable(account: Account, ...directories: string[]): Promise<boolean> {
  return (await Promise.all(directories.map(directory => canEnter(account, directory)))).every(Boolean);
}

/** Starts a home elsewhere with the data that the checkout has; none, if it has none. */
async function moveTo(elsewhere: string, directory: string, account: Account, log: (line: string) => void) {
  if (existsSync(elsewhere)) {
    await claimElsewhere(elsewhere);
    // The checkout that this belonged to was deleted, or its data were: the rest is not in use.
    log(`Removing ${elsewhere}, left by an earlier checkout in the same place`);
    await stopServer(join(elsewhere, 'data'));
    await rm(elsewhere, { recursive: true, force: true });
  }
  await makeElsewhere();
  await claimElsewhere(elsewhere);
  for (const part of ['password', 'data']) {
    const source = join(directory, part);
    if (existsSync(source)) await cp(source, join(elsewhere, part), { recursive: true, verbatimSymlinks: true });
  }
  await giveTo(account, elsewhere);
  if (!(await canEnter(account, elsewhere))) {
    throw new Error(
      `The embedded PostgreSQL cannot live in ${elsewhere}: no user but root can enter ${ELSEWHERE}. ` +
        'Let others enter it, or set PCS_EMBEDDED_POSTGRES_DIR to a directory that others can reach.',
    );
  }
}

/** Its mode is only set where it is made here: one that is there already has an owner who chose it. */
async function makeElsewhere(): Promise<void> {
  if (existsSync(ELSEWHERE)) return;
  await mkdir(ELSEWHERE, { recursive: true });
  await chmod(ELSEWHERE, PASSABLE_DIRECTORY);
}

async function claimElsewhere(elsewhere: string): Promise<void> {
  await claimDirectory(elsewhere, 'Move its content away, or set PCS_EMBEDDED_POSTGRES_DIR to another directory.');
}

async function copyBinaries(from: string, to: string, account: Account): Promise<void> {
  const version = dirname(from);
  const stamp = join(to, 'copied-from');
  const wanted = await readFile(join(version, 'package.json'), 'utf8');
  if ((await readFile(stamp, 'utf8').catch(() => '')) === wanted) return;
  await rm(to, { recursive: true, force: true });
  await cp(from, to, { recursive: true, verbatimSymlinks: true });
  await giveTo(account, to);
  await writeFile(stamp, wanted);
}

async function complete(directory: string, binaries: string, account: Account | undefined): Promise<Home> {
  await chmod(directory, PRIVATE_DIRECTORY);
  const file = join(directory, 'password');
  if (!existsSync(file)) {
    await writeFile(file, randomBytes(PASSWORD_BYTES).toString('hex'), { mode: PRIVATE_FILE });
    await giveTo(account, file);
  }
  if (account) await chown(directory, account.uid, account.gid);
  const password = (await readFile(file, 'utf8')).trim();
  return { directory, data: join(directory, 'data'), binaries, account, password };
}
