import { describe, expect, it } from 'vitest';
import { cgroupLimitBytes } from './cgroup-limit.js';

const V2_MOUNT = '30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate';
const V1_MOUNTS = [
  '34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset',
  '35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory',
].join('\n');

const limitOf = (files: Readonly<Record<string, string>>) => cgroupLimitBytes(path => files[path]);

const v2 = (group: string, limits: Readonly<Record<string, string>>, mount = V2_MOUNT) =>
  limitOf({
    '/proc/self/cgroup': `0::${group}\n`,
    '/proc/self/mountinfo': `22 1 8:1 / / rw - ext4 /dev/sda rw\n${mount}\n`,
    ...limits,
  });

const v1 = (group: string, limits: Readonly<Record<string, string>>, mounts = V1_MOUNTS) =>
  limitOf({
    '/proc/self/cgroup': `12:cpuset:/\n4:memory:${group}\n1:name=systemd:/\n`,
    '/proc/self/mountinfo': `${mounts}\n`,
    ...limits,
  });

describe('the memory limit of the control groups, version 2', () => {
  it('is that of the own group', () => {
    expect(v2('/app', { '/sys/fs/cgroup/app/memory.max': '1073741824\n' })).toBe(1073741824);
  });

  it('is found in a container, whose group is the root of what it sees', () => {
    expect(v2('/', { '/sys/fs/cgroup/memory.max': '536870912\n' })).toBe(536870912);
  });

  it('is the smallest of those of all groups above, whichever has it', () => {
    const limits = {
      '/sys/fs/cgroup/kubepods/memory.max': '4000\n',
      '/sys/fs/cgroup/kubepods/pod1/memory.max': '2000\n',
      '/sys/fs/cgroup/kubepods/pod1/app/memory.max': '3000\n',
    };
    expect(v2('/kubepods/pod1/app', limits)).toBe(2000);
    expect(v2('/kubepods/pod1/app', { ...limits, '/sys/fs/cgroup/kubepods/pod1/memory.max': 'max\n' })).toBe(3000);
    expect(v2('/kubepods/pod1/app', { '/sys/fs/cgroup/kubepods/memory.max': '4000\n' })).toBe(4000);
  });

  it.each(['max\n', '', '0\n', '-1\n', '12abc\n', '1e9\n', '999999999999999999999999\n'])(
    'is none where the file has %j',
    text => {
      expect(v2('/app', { '/sys/fs/cgroup/app/memory.max': text })).toBeUndefined();
    },
  );

  it('is not that of another group of which only the name begins in the same way', () => {
    const limits = { '/sys/fs/cgroup/app/memory.max': '1000', '/sys/fs/cgroup/memory.max': '5000' };
    expect(v2('/app-2', limits)).toBe(5000);
  });

  it('is that of the place of the mount for a group that the mount does not show', () => {
    for (const group of ['/../other', '/elsewhere', '/'])
      expect(
        v2(
          group,
          { '/sys/fs/cgroup/memory.max': '7000' },
          '30 23 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw',
        ),
        group,
      ).toBe(7000);
  });

  it('is found where the mount has another place, with a space in it', () => {
    const mount = '30 23 0:26 / /my\\040groups rw - cgroup2 cgroup2 rw';
    expect(v2('/app', { '/my groups/app/memory.max': '9000' }, mount)).toBe(9000);
  });
});

describe('the memory limit of the control groups, version 1', () => {
  it('is that of the group of the memory controller, not of another one', () => {
    expect(v1('/docker/abc', { '/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes': '268435456\n' })).toBe(
      268435456,
    );
    expect(v1('/docker/abc', { '/sys/fs/cgroup/cpuset/memory.limit_in_bytes': '1000\n' })).toBeUndefined();
  });

  it('is found in a container, to which the mount shows its own group as the root', () => {
    const mount = '35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory';
    expect(v1('/docker/abc', { '/sys/fs/cgroup/memory/memory.limit_in_bytes': '3000' }, mount)).toBe(3000);
    expect(v1('/docker/abc/x', { '/sys/fs/cgroup/memory/x/memory.limit_in_bytes': '2000' }, mount)).toBe(2000);
  });

  it('has controllers that are mounted together', () => {
    const files = {
      '/proc/self/cgroup': '3:cpu,memory:/a\n',
      '/proc/self/mountinfo': '35 31 0:32 / /cg rw - cgroup cgroup rw,cpu,memory\n',
      '/cg/a/memory.limit_in_bytes': '5000',
    };
    expect(limitOf(files)).toBe(5000);
  });

  it('and of version 2, where both are mounted, is the smaller one', () => {
    const files = {
      '/proc/self/cgroup': '4:memory:/a\n0::/b\n',
      '/proc/self/mountinfo': `${V1_MOUNTS}\n38 31 0:35 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n`,
      '/sys/fs/cgroup/memory/a/memory.limit_in_bytes': '5000',
      '/sys/fs/cgroup/unified/b/memory.max': '4000',
    };
    expect(limitOf(files)).toBe(4000);
    expect(limitOf({ ...files, '/sys/fs/cgroup/unified/b/memory.max': 'max' })).toBe(5000);
  });
});

describe('a system without control groups', () => {
  it.each([
    ['no files', {}],
    [
      'files of nonsense',
      { '/proc/self/cgroup': 'x\n::\n7:memory\n', '/proc/self/mountinfo': 'a b\n - \n1 2 3 - cgroup2\n' },
    ],
    ['no mount', { '/proc/self/cgroup': '0::/app\n', '/proc/self/mountinfo': '' }],
  ])('has no limit: %s', (_, files) => {
    expect(limitOf(files as Record<string, string>)).toBeUndefined();
  });

  it('may be any machine: the real files are read without failing', () => {
    expect(() => cgroupLimitBytes()).not.toThrow();
  });
});
