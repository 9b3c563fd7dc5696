import { type InstanceIdentity, type InstanceSpec } from '@coordination/catalog';
import { type JsonObject } from '@coordination/kernel';
import { mix, pick } from './mix.js';

/** An instance as somebody would register it. */
export interface PlannedInstance {
  readonly identity: InstanceIdentity;
  readonly spec: InstanceSpec;
}

/** What a made-up catalog is like. */
export interface CatalogPlan {
  readonly instances: number;
  readonly ttlSeconds: number;
}

/** Namespace by domain: some are teams' own, most of what there is lies in the default one. */
const DOMAINS = [
  ['orders', 'default'],
  ['checkout', 'default'],
  ['catalog', 'default'],
  ['search', 'default'],
  ['customer', 'default'],
  ['billing', 'payments'],
  ['ledger', 'payments'],
  ['fraud', 'payments'],
  ['shipping', 'logistics'],
  ['warehouse', 'logistics'],
  ['routing', 'logistics'],
  ['events', 'platform'],
  ['identity', 'platform'],
  ['metrics', 'platform'],
  ['reports', 'data'],
  ['features', 'data'],
] as const;

/** What a service does for its domain, and how it is spoken to. */
const ROLES = [
  { name: 'api', type: 'api', scheme: 'http', port: 8080, capabilities: ['read', 'write'] },
  { name: 'grpc', type: 'api', scheme: 'grpc', port: 50051, capabilities: ['read', 'write', 'stream'] },
  { name: 'worker', type: 'worker', scheme: 'http', port: 9090, capabilities: ['consume'] },
  { name: 'scheduler', type: 'scheduler', scheme: 'http', port: 9090, capabilities: ['schedule'] },
  { name: 'gateway', type: 'gateway', scheme: 'https', port: 8443, capabilities: ['route', 'tls'] },
  { name: 'cache', type: 'cache', scheme: 'tcp', port: 6379, capabilities: ['cache'] },
  { name: 'store', type: 'database', scheme: 'tcp', port: 5432, capabilities: ['read', 'write', 'replicate'] },
  { name: 'monitor', type: 'monitoring', scheme: 'http', port: 9100, capabilities: ['scrape'] },
] as const;

/** Instances of the services in turn: many small ones, some large ones. */
const SIZES = [5, 3, 5, 2, 8, 5, 12, 5, 1, 5, 20, 5, 40, 5, 3, 6];

/** Now and then there is a very large one. */
const GIANT = { every: 97, size: 200 } as const;

const REGIONS = ['eu-central-1', 'eu-west-1', 'us-east-1', 'ap-south-1'];
const ENVIRONMENTS = ['prod', 'prod', 'prod', 'prod', 'staging', 'staging', 'dev'];
const RUNTIMES = [
  { language: 'java', version: '21.0.4' },
  { language: 'go', version: '1.23.1' },
  { language: 'nodejs', version: '24.11.0' },
  { language: 'python', version: '3.13.1' },
];
const CORES = [1, 2, 2, 4, 8, 16];
const TEAMS = 60;
const DEREGISTER_AFTER_SECONDS = 900;

/** A service of a made-up catalog. */
export interface PlannedService {
  readonly namespace: string;
  readonly service: string;
  readonly size: number;
}

/** The n-th service. */
export function realisticService(n: number): PlannedService {
  const [domain, namespace] = DOMAINS[n % DOMAINS.length]!;
  const { name } = roleOf(n);
  const round = Math.floor(n / (DOMAINS.length * ROLES.length));
  const size = n % GIANT.every === GIANT.every - 1 ? GIANT.size : SIZES[mix(n, 1) % SIZES.length]!;
  return { namespace, service: round === 0 ? `${domain}-${name}` : `${domain}-${name}-${round}`, size };
}

const roleOf = (n: number) => ROLES[Math.floor(n / DOMAINS.length) % ROLES.length]!;

/** The services of a catalog, the last one cut to what is left of the instances. */
export function* realisticServices(instances: number): Generator<PlannedService> {
  let left = instances;
  for (let n = 0; left > 0; n++) {
    const planned = realisticService(n);
    const size = Math.min(planned.size, left);
    left -= size;
    yield { ...planned, size };
  }
}

/** So many instances of services of all sizes; always the same ones. */
export function* realisticCatalog({ instances, ttlSeconds }: CatalogPlan): Generator<PlannedInstance> {
  let instance = 0;
  let service = 0;
  for (const { size } of realisticServices(instances)) {
    for (let n = 0; n < size; n++) yield realisticInstance(service, instance++, ttlSeconds);
    service += 1;
  }
}

/** An instance, the n-th of all, of a service. */
export function realisticInstance(serviceNumber: number, n: number, ttlSeconds: number): PlannedInstance {
  const { namespace, service } = realisticService(serviceNumber);
  const { type, scheme, port } = roleOf(serviceNumber);
  // Names like those of pods: the release, then the pod.
  const instanceId = `${service}-${mix(serviceNumber, 2).toString(36)}-${n.toString(36).padStart(5, '0')}`;
  const region = pick(REGIONS, n, 3);
  return {
    identity: { namespace, service, instanceId },
    spec: {
      type,
      scheme,
      host: `10.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`,
      port,
      zone: `${region}${pick(['a', 'b', 'c'], n, 4)}`,
      weight: pick([100, 100, 100, 50, 200], n, 5),
      metadata: metadataOf(serviceNumber, n, region, 0),
      check: { kind: 'heartbeat', ttlSeconds, deregisterAfterSeconds: DEREGISTER_AFTER_SECONDS },
    },
  };
}

/** The same instance after so many deployments: another version and build, all else as it was. */
export function deployed(
  { identity, spec }: PlannedInstance,
  serviceNumber: number,
  n: number,
  times: number,
): PlannedInstance {
  const region = spec.metadata['region'] as string;
  return { identity, spec: { ...spec, metadata: metadataOf(serviceNumber, n, region, times) } };
}

function metadataOf(serviceNumber: number, n: number, region: string, deployments: number): JsonObject {
  const major = 1 + (mix(serviceNumber, 6) % 4);
  const minor = (mix(serviceNumber, 7) % 20) + deployments;
  const team = mix(serviceNumber, 8) % TEAMS;
  return {
    version: `${major}.${minor}.${mix(n, 9) % 4}${mix(n, 10) % 50 === 0 ? '-rc.1' : ''}`,
    environment: pick(ENVIRONMENTS, n, 11),
    region,
    tags: {
      team: `team-${team}`,
      tier: pick(['critical', 'standard', 'standard', 'batch'], serviceNumber, 12),
      'cost-center': `cc-${1000 + (team % 12)}`,
      canary: mix(n, 13) % 20 === 0 ? 'yes' : 'no',
    },
    capabilities: [...roleOf(serviceNumber).capabilities, `feature-${mix(n, 14) % 200}`],
    build: {
      commit: mix(serviceNumber, 15 + deployments)
        .toString(16)
        .padStart(8, '0'),
      branch: mix(n, 16) % 30 === 0 ? 'hotfix' : 'main',
    },
    runtime: pick(RUNTIMES, serviceNumber, 17),
    cores: pick(CORES, n, 18),
    rack: `r-${mix(n, 19) % 500}`,
  };
}
