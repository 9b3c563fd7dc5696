import { newId } from '@coordination/kernel';
import { type Step } from '../data/realistic-history.js';
import { realisticInstance } from '../data/realistic-catalog.js';
import { LARGE_SERVICE, smallService } from './kinds.js';
import { type OverloadOptions } from './report.js';

/** Leases that do not end while anything is measured. */
const TTL_SECONDS = 86_400;

/** How many versions the instance has whose history is read. */
const VERSIONS = 500;

/** The service of the instance with many versions. */
export const CHANGED = { service: 'changed', instanceId: 'changed' } as const;

const ORIGIN = { actor: 'bench', clientAddress: null, requestId: null, source: 'api', reason: null } as const;

const stepOf = (command: Step['command']): Step => ({ command, origin: { ...ORIGIN, requestId: newId() } });

function registration(service: string, serviceNumber: number, n: number): Step {
  const { identity, spec } = realisticInstance(serviceNumber, n, TTL_SECONDS);
  return stepOf({ kind: 'register', id: newId(), identity: { ...identity, namespace: 'default', service }, spec });
}

/** Small services, all in one namespace so that their list is long; one large service; and one instance with many versions. */
export function* overloadSteps({ instances, services, large }: Omit<OverloadOptions, 'kinds'>): Generator<Step> {
  for (let n = 0; n < instances; n++) yield registration(smallService(n % services), n % services, n);
  for (let n = 0; n < large; n++) yield registration(LARGE_SERVICE, 0, n);
  const identity = { namespace: 'default', ...CHANGED };
  const { spec } = realisticInstance(0, 0, TTL_SECONDS);
  yield stepOf({ kind: 'register', id: newId(), identity, spec });
  for (let version = 1; version < VERSIONS; version++) {
    const metadata = { ...spec.metadata, deployment: version };
    yield stepOf({ kind: 'replace', target: { identity }, spec: { ...spec, metadata }, claimed: {} });
  }
}

/** How many events the steps make. */
export const eventsOf = ({ instances, large }: Pick<OverloadOptions, 'instances' | 'large'>): number =>
  instances + large + VERSIONS;
