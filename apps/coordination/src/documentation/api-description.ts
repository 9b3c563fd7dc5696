import { type ApiDescription } from '@coordination/http';
import { SERVICE_VERSION } from '../version.js';

/** The general part of the OpenAPI document. */
export const API_DESCRIPTION: ApiDescription = {
  title: 'Platform Coordination Service',
  version: SERVICE_VERSION,
  description: `Service registration and discovery on one ordered, durable and audited log.

- **Revision**: every change of the catalog has a number, in the order of the commits and without gaps. It is the number of the event in the audit log.
- **Version**: every instance counts its own changes; \`ETag\` and \`If-Match\` contain this number.
- **Errors** are \`application/problem+json\` (RFC 9457) with a stable \`code\`; [every code has a page](docs/errors).
- Unknown fields and parameters are errors. Times are RFC 3339 in UTC.
- **Compatibility**: responses may get more members, and unions more kinds, without a new version of the API; clients should ignore what they do not know.
- Every example can be sent unchanged, in the order of this page. After the example instances are registered and the page is reloaded, the examples contain their actual ids.`,
  contact: 'The operators of this service',
  license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
  tags: [
    { name: 'Registry', description: 'Register and deregister instances, renew leases, change records.' },
    {
      name: 'Liveness',
      description: 'Liveness overview, and the guard that keeps too many leases from ending at once.',
    },
    { name: 'Discovery', description: 'Find, watch and resolve instances. Reads are served from memory.' },
    { name: 'Audit', description: 'List, export and verify the log of all changes.' },
    { name: 'Operations', description: 'Health endpoints and metrics of the service.' },
  ],
};
