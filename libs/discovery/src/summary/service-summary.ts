import { type InstanceRecord, STATUSES, type Status } from '@coordination/catalog';

/** The number of instances, in total and of each status. */
export type StatusCounts = Readonly<Record<'total' | Status, number>>;

type MutableCounts = Record<'total' | Status, number>;

/** A service in the list of services. */
export interface ServiceSummary {
  readonly service: string;
  readonly types: readonly string[];
  readonly instances: StatusCounts;
  readonly versions: readonly string[];
  readonly zones: readonly string[];
  /** As `key=value`, the form of the filter `tag`. */
  readonly tags: readonly string[];
}

/** Counts by status. */
export function countStatuses(statuses: Iterable<Status>): MutableCounts {
  const counts = { total: 0, ...(Object.fromEntries(STATUSES.map(status => [status, 0])) as Record<Status, number>) };
  for (const status of statuses) count(counts, status);
  return counts;
}

function count(counts: MutableCounts, status: Status): void {
  counts.total += 1;
  counts[status] += 1;
}

/** The part of an instance that a summary needs. */
export type Summarized = Pick<InstanceRecord, 'type' | 'zone' | 'metadata' | 'status'>;

/** Builds the summary of a service from its instances, one by one. */
export class ServiceSummarizer {
  private readonly types = new Set<string>();
  private readonly versions = new Set<string>();
  private readonly zones = new Set<string>();
  private readonly tags = new Set<string>();
  private readonly counts = countStatuses([]);

  constructor(readonly service: string) {}

  add({ type, zone, metadata, status }: Summarized): void {
    count(this.counts, status);
    this.types.add(type);
    if (zone !== null) this.zones.add(zone);
    if (typeof metadata['version'] === 'string') this.versions.add(metadata['version']);
    const ownTags = metadata['tags'];
    if (typeof ownTags !== 'object' || ownTags === null || Array.isArray(ownTags)) return;
    for (const [key, value] of Object.entries(ownTags)) if (typeof value === 'string') this.tags.add(`${key}=${value}`);
  }

  summary(): ServiceSummary {
    return {
      service: this.service,
      types: sorted(this.types),
      instances: this.counts,
      versions: sorted(this.versions),
      zones: sorted(this.zones),
      tags: sorted(this.tags),
    };
  }
}

/** The summary of a service. */
export function summarize(service: string, records: Iterable<Summarized>): ServiceSummary {
  const summarizer = new ServiceSummarizer(service);
  for (const record of records) summarizer.add(record);
  return summarizer.summary();
}

/** Sorted by code units, which is the same in every locale. */
export const sorted = (texts: Iterable<string>): string[] => [...texts].sort();
