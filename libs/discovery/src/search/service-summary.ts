import { type InstanceRecord, STATUSES, type Status } from '@coordination/catalog';

/** How many instances there are, in all and of each status. */
export type StatusCounts = Readonly<Record<'total' | Status, number>>;

type MutableCounts = Record<'total' | Status, number>;

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
export function countStatuses(statuses: Iterable<Status>): MutableCounts {
  const counts = { total: 0, ...(Object.fromEntries(STATUSES.map(status => [status, 0])) as Record<Status, number>) };
  for (const status of statuses) count(counts, status);
  return counts;
}

function count(counts: MutableCounts, status: Status): void {
  counts.total += 1;
  counts[status] += 1;
}

/** Of an instance, what a summary tells. */
export type Summarized = Pick<InstanceRecord, 'type' | 'zone' | 'metadata' | 'status'>;

/** Gathers what there is to say of the instances of a service, one by one. */
export class ServiceSummarizer {
  private readonly types = new Set<string>();
  private readonly versions = new Set<string>();
  private readonly zones = new Set<string>();
  private readonly tags = new Set<string>();
  private readonly counts = countStatuses([]);

  constructor(private readonly service: string) {}

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

/** What there is to say of the instances of a service. */
export function summarize(service: string, records: Iterable<Summarized>): ServiceSummary {
  const summarizer = new ServiceSummarizer(service);
  for (const record of records) summarizer.add(record);
  return summarizer.summary();
}

/** In the order of code units, which needs no locale and is the same everywhere. */
export const sorted = (texts: Iterable<string>): string[] => [...texts].sort();
