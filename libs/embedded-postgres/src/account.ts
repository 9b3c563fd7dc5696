import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Who runs the database server; PostgreSQL refuses to run as root. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/**
 * The account for the server: undefined (this process's own) unless that is root. Then it is the owner of data that
 * exist already, or of a directory that was there before, so that `sudo` does not take them away from their user; else
 * `nobody`, which every system has.
 */
export async function serverAccount(existingData: string, directory = existingData): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const owner = (await ownerOf(existingData)) ?? (await knownOwnerOf(directory));
  if (owner) return owner;
  const [uid, gid] = await Promise.all([run('id', ['-u', 'nobody']), run('id', ['-g', 'nobody'])]);
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
}

async function ownerOf(path: string): Promise<Account | undefined> {
  const owner = await stat(path).catch(() => undefined);
  return owner && owner.uid !== 0 ? { uid: owner.uid, gid: owner.gid } : undefined;
}

/** `initdb` does not run for a user whom the system does not know. */
async function knownOwnerOf(directory: string): Promise<Account | undefined> {
  const owner = await ownerOf(directory);
  return (
    owner &&
    (await run('id', ['-u', '-n', String(owner.uid)]).then(
      () => owner,
      () => undefined,
    ))
  );
}

/** Whether the account can enter the directory, by a system call: mode bits alone are not enough. */
export async function canEnter(account: Account, directory: string): Promise<boolean> {
  // cwd of the spawned process would be entered before the uid changes, hence `cd`.
  return run('/bin/sh', ['-c', 'cd -- "$0"', directory], { ...account, cwd: '/' }).then(
    () => true,
    () => false,
  );
}

/** Gives a file or directory with all that is in it to the account; of symbolic links themselves, not what they lead to. */
export async function giveTo(account: Account | undefined, path: string): Promise<void> {
  if (account) await run('chown', ['-R', '-h', `${account.uid}:${account.gid}`, path]);
}
