import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chmodSync, mkdtempSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A temporary directory whose embedded PostgreSQL servers end, and which goes, with the process that made it. */
export interface DisposableDirectory {
  readonly path: string;
  /** The processes of this group end with the directory, if they have not before. */
  owns(processGroup: number): void;
  remove(): Promise<void>;
}

/**
 * Reads until its standard input ends, which happens however the parent ends, kill -9 included; then ends the process
 * groups and the servers whose data lie below the directory (or were moved elsewhere from there), and removes it all. Of the
 * places that a file `moved-to` names, only those that the embedded PostgreSQL uses are removed: a test may write anything there.
 */
const CLEAN_UP = `
cat > /dev/null
[ -e "$0/groups" ] && while read -r group; do kill -s KILL -- "-$group" 2> /dev/null; done < "$0/groups"
find "$0" -name moved-to -exec cat {} + | grep -x '/var/lib/platform-coordination/[0-9a-f]\\{16\\}' > "$0/homes"
echo "$0" >> "$0/homes"
while read -r home; do
  find "$home" -name postmaster.pid | while read -r file; do
    pid=$(head -n 1 "$file")
    if tr '\\0' ' ' < "/proc/$pid/cmdline" 2> /dev/null || ps -ww -o command= -p "$pid"; then :; fi |
      grep -q "postgres -D $(dirname "$file") " || continue
    kill -QUIT "$pid"
    while kill -0 "$pid" 2> /dev/null && [ -e "$file" ]; do sleep 0.05; done
  done
done < "$0/homes"
while read -r home; do rm -rf "$home"; done < "$0/homes"
`;

/** Makes a {@link DisposableDirectory}, which every user of the machine can enter. */
export function disposableDirectory(): DisposableDirectory {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'coordination-')));
  chmodSync(path, 0o755);
  const cleaner = spawn('/bin/sh', ['-c', CLEAN_UP, path], {
    cwd: '/',
    detached: true, // Ctrl-C must not end it together with the tests
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  cleaner.unref();
  (cleaner.stdin as unknown as { unref(): void }).unref();
  return {
    path,
    owns: group => appendFileSync(join(path, 'groups'), `${group}\n`),
    async remove() {
      if (cleaner.exitCode !== null) return;
      const ended = once(cleaner, 'exit');
      cleaner.ref();
      cleaner.stdin.end();
      await ended;
    },
  };
}
