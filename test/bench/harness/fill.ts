import { type Api } from '../../support/http/api.js';
import { INSTANCES_PATH, registrationOf } from '../load/registration.js';

const PER_BATCH = 500;

/** What a filled catalog has. */
export interface Filling {
  readonly services: number;
  readonly instancesPerService: number;
}

/** The name of a service of a filled catalog. */
export const serviceName = (n: number): string => `service-${n}`;

/** Registrations of a filled catalog, in the order of their services. */
export function* registrations({ services, instancesPerService }: Filling) {
  let n = 0;
  for (let service = 0; service < services; service++) {
    for (let instance = 0; instance < instancesPerService; instance++) {
      yield registrationOf(serviceName(service), `i-${service}-${instance}`, n++);
    }
  }
}

/** Registers instances through the API, many at once. @returns their ids */
export async function fill(api: Api, filling: Filling): Promise<string[]> {
  const ids: string[] = [];
  let batch: object[] = [];
  const flush = async () => {
    if (batch.length === 0) return;
    const answer = await api.ok<{ results: { instance: { id: string } }[] }>('POST', `${INSTANCES_PATH}/batch`, {
      instances: batch,
    });
    ids.push(...answer.results.map(({ instance }) => instance.id));
    batch = [];
  };
  for (const registration of registrations(filling)) {
    batch.push(registration);
    if (batch.length === PER_BATCH) await flush();
  }
  await flush();
  return ids;
}
