import { readFileSync } from 'node:fs';
import { posix } from 'node:path';

/** Reads a file of the system; undefined if there is none, or this process may not read it. */
export type ReadSystemFile = (path: string) => string | undefined;

export const readSystemFile: ReadSystemFile = path => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

/** The two versions of control groups; on some systems both are mounted, and either may limit memory. */
const VERSIONS = [
  { file: 'memory.max', fileSystem: 'cgroup2', isOfMemory: () => true, controllers: [''] },
  {
    file: 'memory.limit_in_bytes',
    fileSystem: 'cgroup',
    isOfMemory: (options: string) => options.split(',').includes('memory'),
    controllers: ['memory'],
  },
] as const;

/** Where a hierarchy of control groups is mounted, and which of its groups is at that place. */
interface Mount {
  readonly root: string;
  readonly place: string;
  readonly fileSystem: string;
  readonly options: string;
}

/**
 * The memory (bytes) that the control groups of this process allow it: the smallest limit of its own group and of those
 * above it, as far as they are visible; undefined if none of them has a limit. See cgroups(7) and proc_pid_mountinfo(5).
 */
export function cgroupLimitBytes(read: ReadSystemFile = readSystemFile): number | undefined {
  const groups = groupsOf(read('/proc/self/cgroup') ?? '');
  const mounts = mountsOf(read('/proc/self/mountinfo') ?? '');
  const limits = VERSIONS.flatMap(({ file, fileSystem, isOfMemory, controllers }) => {
    const group = groups.find(it => controllers.some(name => it.controllers.includes(name)));
    const mount = mounts.find(it => it.fileSystem === fileSystem && isOfMemory(it.options));
    if (!group || !mount) return [];
    return foldersOf(mount, group.path).flatMap(folder => limitIn(read(posix.join(folder, file))) ?? []);
  });
  return limits.length === 0 ? undefined : Math.min(...limits);
}

/** A line has the id of the hierarchy, its controllers, and the path of the group, separated by colons. */
const groupsOf = (text: string) =>
  text.split('\n').flatMap(line => {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    return controllers === undefined || path === undefined ? [] : [{ controllers: controllers.split(','), path }];
  });

const mountsOf = (text: string): Mount[] =>
  text.split('\n').flatMap(line => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , root, place] = before.split(' ').map(unescaped);
    const [fileSystem, , options] = after.split(' ');
    if (root === undefined || place === undefined || fileSystem === undefined) return [];
    return [{ root, place, fileSystem, options: options ?? '' }];
  });

/** Spaces and some other characters are written as three octal digits. */
const unescaped = (text: string): string =>
  text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

/** The folders of a group and of all above it, up to the place of the mount. A group outside of the mount is not visible. */
function foldersOf({ root, place }: Mount, group: string): string[] {
  const below = posix.relative(root, group);
  if (below === '..' || below.startsWith('../') || group.includes('/..')) return [place];
  const folders = [place];
  for (const name of below.split('/')) folders.push(posix.join(folders.at(-1)!, name));
  return folders;
}

/** A limit of 0 would let no process run, so it is an error of the system, or means none. */
function limitIn(text: string | undefined): number | undefined {
  const number = Number(/^\s*(\d{1,20})\s*$/.exec(text ?? '')?.[1] ?? 0);
  return number > 0 ? number : undefined;
}
