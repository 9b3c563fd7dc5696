import { type InstanceRecord, type InstanceType, type JsonObject, type Status } from '@coordination/registry';
import semver from 'semver';
import { containsJson } from './json-containment.js';

/** Which instances are meant; everything in it must hold. Plain JSON, so that its text can name it. */
export interface Selection {
  readonly statuses: readonly Status[] | 'any';
  readonly type: InstanceType | null;
  readonly zone: string | null;
  /** A semver range that `metadata.version` must satisfy. */
  readonly versionRange: string | null;
  /** Keys that `metadata.tags` must have. */
  readonly tagKeys: readonly string[];
  /** Each of these must be contained in the metadata. */
  readonly contained: readonly JsonObject[];
}

/** Every instance there is. */
export const EVERYTHING: Selection = {
  statuses: 'any',
  type: null,
  zone: null,
  versionRange: null,
  tagKeys: [],
  contained: [],
};

/** Whether the selection leaves nothing out. */
export const isEverything = (selection: Selection): boolean =>
  selection.statuses === 'any' && !isNarrowedBeyondStatus(selection);

/** Whether the selection asks for more than a status. */
export const isNarrowedBeyondStatus = ({ type, zone, versionRange, tagKeys, contained }: Selection): boolean =>
  type !== null || zone !== null || versionRange !== null || tagKeys.length > 0 || contained.length > 0;

/** Says of instances whether they are selected, whatever their status is. */
export function matcherBesideStatus(selection: Selection): (record: InstanceRecord) => boolean {
  if (!isNarrowedBeyondStatus(selection)) return () => true;
  const { type, zone, versionRange, tagKeys, contained } = selection;
  const satisfies = versionRange === null ? undefined : versionTest(versionRange);
  return record =>
    (type === null || record.type === type) &&
    (zone === null || record.zone === zone) &&
    tagKeys.every(key => hasTag(record.metadata, key)) &&
    contained.every(wanted => containsJson(record.metadata, wanted)) &&
    (satisfies === undefined || satisfies(record.metadata['version']));
}

/** Says of statuses whether they are selected. */
export function statusTest({ statuses }: Selection): (status: Status) => boolean {
  if (statuses === 'any') return () => true;
  const wanted = new Set(statuses);
  return status => wanted.has(status);
}

/** Says of versions whether they are in a semver range; what is no version is in none. */
export function versionTest(versionRange: string): (version: unknown) => boolean {
  const range = new semver.Range(versionRange);
  return version => typeof version === 'string' && range.test(version);
}

/** Whether a text is a semver range. */
export const isVersionRange = (text: string): boolean => semver.validRange(text) !== null;

function hasTag({ tags }: JsonObject, key: string): boolean {
  return typeof tags === 'object' && tags !== null && !Array.isArray(tags) && Object.hasOwn(tags, key);
}
