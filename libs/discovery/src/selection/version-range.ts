import semver from 'semver';

/** A test of versions for a semver range; a text that is not a version is in none. */
export function versionTest(versionRange: string): (version: string) => boolean {
  const range = new semver.Range(versionRange);
  return version => range.test(version);
}

/** Whether a text is a semver range. */
export const isVersionRange = (text: string): boolean => semver.validRange(text) !== null;
