import { type Selection } from './selection.js';

/** How many characters of a version are indexed: one more than any semver version may have (semver, MAX_LENGTH). */
const INDEXED_VERSION_LENGTH = 257;

/** The start of an instance's version, as the index has it: all of it, if it can be a version at all. */
const VERSION = `left(i.metadata ->> 'version', ${INDEXED_VERSION_LENGTH})`;

/**
 * Every version that occurs, each once. PostgreSQL has no skip scan for `distinct`; this one goes from one version to
 * the next through the index, so it costs as many steps as there are versions, not as there are instances.
 */
export const DISTINCT_VERSIONS = `
  with recursive found (version) as (
    (select ${VERSION} as version from service_instance i where ${VERSION} is not null order by 1 limit 1)
    union all
    select (select ${VERSION} from service_instance i where ${VERSION} > found.version order by 1 limit 1)
    from found where found.version is not null
  )
  select version from found where version is not null`;

/** Conditions of a query on `service_instance i`, and the values that they speak of. */
export class Conditions {
  readonly parameters: unknown[] = [];
  private readonly texts: string[] = [];

  /** Adds a condition on one value; `$` stands for it. */
  add(text: string, value: unknown): this {
    this.texts.push(text.replaceAll('$', this.bind(value)));
    return this;
  }

  /** Adds a condition that has its values already. */
  addBound(text: string): this {
    this.texts.push(text);
    return this;
  }

  /** Adds a value, and tells how the text names it. */
  bind(value: unknown): string {
    return `$${this.parameters.push(value)}`;
  }

  get where(): string {
    return this.texts.length === 0 ? '' : `where ${this.texts.join(' and ')}`;
  }
}

/**
 * Adds what a selection means, the same as its matcher does in memory.
 * @param versions those of the versions that occur which are in the selection's range, if it has one
 */
export function addSelection(conditions: Conditions, selection: Selection, versions: readonly string[]): void {
  const { statuses, type, zone, versionRange, tagKeys, contained } = selection;
  if (statuses !== 'any') conditions.add('i.status = any($::text[])', statuses);
  if (type !== null) conditions.add('i.type = $', type);
  if (zone !== null) conditions.add('i.zone = $', zone);
  if (versionRange !== null) conditions.add(`${VERSION} = any($::text[])`, versions);
  for (const key of tagKeys) conditions.add(`i.metadata -> 'tags' -> $::text is not null`, key);
  for (const wanted of contained) conditions.add('i.metadata @> $::jsonb', JSON.stringify(wanted));
}
