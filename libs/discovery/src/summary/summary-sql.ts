import { STATUSES, type Status } from '@coordination/catalog';
import { type ServiceSummary, sorted } from './service-summary.js';

/** The summary of the selected instances of one service in SQL. */
export type SummaryRow = {
  readonly service: string;
  readonly types: readonly string[];
  readonly versions: readonly string[];
  readonly zones: readonly string[];
  readonly total: number;
} & Readonly<Record<Status, number>>;

export interface TagRow {
  readonly service: string;
  readonly tags: readonly string[];
}

const distinct = (expression: string, condition: string): string =>
  `coalesce(array_agg(distinct ${expression}) filter (where ${condition}), '{}')`;

/** Summaries of the selected instances `i` by service: `summarize` in SQL. */
export const SUMMARIZE_SERVICES = (where: string): string => `
  select i.service, count(*)::int as total,
    ${STATUSES.map(status => `(count(*) filter (where i.status = '${status}'))::int as "${status}"`).join(', ')},
    ${distinct('i.type', 'true')} as types,
    ${distinct('i.zone', 'i.zone is not null')} as zones,
    ${distinct(`i.metadata ->> 'version'`, `jsonb_typeof(i.metadata -> 'version') = 'string'`)} as versions
  from service_instance i ${where} group by i.service`;

/** Their tags, in a statement of its own, since an instance has several. There must be a condition. */
export const SUMMARIZE_TAGS = (where: string): string => `
  select i.service, array_agg(distinct t.key || '=' || (t.value #>> '{}')) as tags
  from service_instance i cross join lateral jsonb_each(
    case jsonb_typeof(i.metadata -> 'tags') when 'object' then i.metadata -> 'tags' else '{}' end) t
  ${where} and jsonb_typeof(t.value) = 'string' group by i.service`;

/** The summaries, in the order of their names. */
export function toSummaries(rows: readonly SummaryRow[], tagRows: readonly TagRow[]): ServiceSummary[] {
  const tags = new Map(tagRows.map(row => [row.service, row.tags]));
  const summaries = rows.map(({ service, types, versions, zones, ...instances }) => ({
    service,
    types: sorted(types),
    instances,
    versions: sorted(versions),
    zones: sorted(zones),
    tags: sorted(tags.get(service) ?? []),
  }));
  return summaries.sort((a, b) => (a.service < b.service ? -1 : 1));
}
