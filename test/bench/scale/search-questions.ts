import { type Question } from '../load/questions.js';

const SEARCH = '/api/v1/discovery/instances';

/** Values of what is asked for, of the made-up catalog. */
const FILTERS: Readonly<Record<string, readonly Readonly<Record<string, string>>[]>> = {
  everything: [{}],
  service: [{ service: 'orders-api' }, { service: 'search-worker' }],
  'status, frequent': [{ status: 'healthy' }],
  'status, rare': [{ status: 'maintenance' }],
  type: [{ type: 'gateway' }, { type: 'cache' }],
  zone: [{ zone: 'eu-central-1a' }, { zone: 'us-east-1b' }],
  host: [{ host: '10.0.1.7' }, { host: '10.0.2.9' }],
  environment: [{ environment: 'staging' }, { environment: 'dev' }],
  region: [{ region: 'eu-west-1' }, { region: 'ap-south-1' }],
  appVersion: [{ appVersion: '^2.4.0' }, { appVersion: '>=3.1 <3.2' }],
  tag: [{ tag: 'team=team-7' }, { tag: 'team=team-31' }],
  'tag key': [{ tag: 'canary' }],
  capability: [{ capability: 'feature-17' }, { capability: 'feature-118' }],
  metadata: [{ metadata: '{"rack":"r-77"}' }, { metadata: '{"rack":"r-301"}' }],
  'filter ==': [{ filter: 'metadata.rack == "r-12" and status == "healthy"' }],
  'filter >=': [{ filter: 'metadata.cores >= 16 and zone != "eu-central-1a"' }],
  'filter contains': [{ filter: '"feature-44" in capabilities and tags.tier != "batch"' }],
  'filter or': [{ filter: 'tags.team == "team-3" or tags.team == "team-4"' }],
  'filter is empty': [{ filter: 'metadata.owner is not empty' }],
  'filter matches': [{ filter: 'service matches "^fraud-.*"' }],
  'newest changes': [{ sort: 'updatedAt', order: 'desc' }],
};

/** A search over all namespaces for each kind of filter. */
export const SEARCH_QUESTIONS: readonly Question[] = Object.entries(FILTERS).map(([name, queries]) => ({
  name: `search ${name}`,
  paths: queries.map(query => `${SEARCH}?${String(new URLSearchParams({ namespace: '*', ...query }))}`),
}));
