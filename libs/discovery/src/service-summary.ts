import { type InstanceRecord, STATUSES, type Status } from '@coordination/registry';

/** How many instances there are, in all and of each status. */
export type StatusCounts = Readonly<Record<'total' | Status, number>>;

/** What the list of services says of one of them. */
export interface ServiceSummary {
  readonly service: string;
  readonly types: readonly string[];
  readonly instances: StatusCounts;
  readonly versions: readonly string[];
  readonly zones: readonly string[];
  /** As `key=value`, the form that the filter `tag` takes. */
  readonly tags: readonly string[];
}

/** Counts by status. */
export function countStatuses(statuses: Iterable<Status>): StatusCounts {
  const counts = { total: 0, ...(Object.fromEntries(STATUSES.map(status => [status, 0])) as Record<Status, number>) };
  for (const status of statuses) {
    counts.total += 1;
    counts[status] += 1;
  }
  return counts;
}

/** What there is to say of the instances of a service. */
export function summarize(service: string, records: Iterable<InstanceRecord>): ServiceSummary {
  const [types, versions, zones, tags] = [new Set<string>(), new Set<string>(), new Set<string>(), new Set<string>()];
  const statuses: Status[] = [];
  for (const { type, zone, metadata, status } of records) {
    statuses.push(status);
    types.add(type);
    if (zone !== null) zones.add(zone);
    if (typeof metadata['version'] === 'string') versions.add(metadata['version']);
    const ownTags = metadata['tags'];
    if (typeof ownTags !== 'object' || ownTags === null || Array.isArray(ownTags)) continue;
    for (const [key, value] of Object.entries(ownTags)) if (typeof value === 'string') tags.add(`${key}=${value}`);
  }
  return {
    service,
    types: sorted(types),
    instances: countStatuses(statuses),
    versions: sorted(versions),
    zones: sorted(zones),
    tags: sorted(tags),
  };
}

/** In the order of code units, which needs no locale and is the same everywhere. */
export const sorted = (texts: Iterable<string>): string[] => [...texts].sort();
