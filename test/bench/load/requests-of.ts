import { INSTANCES_PATH, registrationOf } from './registration.js';
import { type LoadRequest, type Workload } from './load-job.js';

const JSON_HEADERS = { 'content-type': 'application/json' };

/** Instances that share a service in a load of registrations. */
const PER_SERVICE = 10;

/** The next request of a workload, each time that it is called. */
export function requestsOf(workload: Workload): () => LoadRequest {
  switch (workload.kind) {
    case 'same':
      return () => workload.request;
    case 'in-turn':
      return inTurn(workload.requests);
    case 'register':
      return workload.perRequest === 1 ? registering(workload.prefix) : batches(workload.prefix, workload.perRequest);
    case 'mixed':
      return mixed(workload.prefix);
    default: {
      const impossible: never = workload;
      throw new Error(`No such workload: ${JSON.stringify(impossible)}`);
    }
  }
}

function inTurn(requests: readonly LoadRequest[]): () => LoadRequest {
  let n = -1;
  return () => requests[(n = (n + 1) % requests.length)]!;
}

const bodyOf = (prefix: string, n: number) =>
  registrationOf(`${prefix}-${Math.floor(n / PER_SERVICE)}`, `${prefix}-${n}`, n);

const post = (path: string, body: unknown): LoadRequest => ({
  method: 'POST',
  path,
  headers: JSON_HEADERS,
  body: JSON.stringify(body),
});

function registering(prefix: string): () => LoadRequest {
  let n = 0;
  return () => post(INSTANCES_PATH, bodyOf(prefix, n++));
}

function batches(prefix: string, perRequest: number): () => LoadRequest {
  let n = 0;
  return () => {
    const instances = Array.from({ length: perRequest }, () => bodyOf(prefix, n++));
    return post(`${INSTANCES_PATH}/batch`, { instances });
  };
}

/** Four calls for each instance. A read may come before its registration has been answered, and gets 404 then. */
function mixed(prefix: string): () => LoadRequest {
  let call = 0;
  return () => {
    const n = call >> 2;
    const service = `${prefix}-${Math.floor(n / PER_SERVICE)}`;
    // What is spoken of was registered a while ago.
    const known = Math.max(0, n - 200);
    const named = `/api/v1/registry/services/${prefix}-${Math.floor(known / PER_SERVICE)}/instances/${prefix}-${known}`;
    switch (call++ & 3) {
      case 0:
        return post(INSTANCES_PATH, bodyOf(prefix, n));
      case 1:
        return { method: 'GET', path: `/api/v1/discovery/services/${service}/instances` };
      case 2:
        return post(`${named}/health-reports`, { healthy: known % 3 !== 0 });
      default:
        return { method: 'GET', path: named };
    }
  };
}
