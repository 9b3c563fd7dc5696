import { type ApiDescription } from '@coordination/http';
import { SERVICE_VERSION } from './version.js';

/** What the OpenAPI document says of the service as a whole. */
export const API_DESCRIPTION: ApiDescription = {
  title: 'Platform Coordination Service',
  version: SERVICE_VERSION,
  description: `Service registration and discovery on one ordered, durable and audited log.

- **Revision**: every change of the catalog has one number, in the order of commits, without gaps. It is the number of the event in the audit log.
- **Version**: every instance counts its own changes; \`ETag\` and \`If-Match\` speak of it.
- **Errors** are \`application/problem+json\` (RFC 9457) with a stable \`code\`; [every code has a page](docs/errors).
- Unknown fields and parameters are errors. Times are RFC 3339 in UTC.
- **Growth**: answers may get more members, and unions more kinds, without a new version of the API; clients should pass over what they do not know.
- Every example can be sent as it stands, in the order of this page; ids in the examples are the real ones once their instances are registered and the page is loaded again.`,
  contact: 'The operators of this service',
  license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
  tags: [
    { name: 'Registry', description: 'Instances register, renew their lease, change and deregister: the write side.' },
    {
      name: 'Liveness',
      description: 'Who is alive, who ends leases, and the guard that keeps too many from ending at once.',
    },
    { name: 'Discovery', description: 'Who is there, answered from memory: the read side.' },
    { name: 'Audit', description: 'The log of every change, and the proof that nobody changed it.' },
    { name: 'Operations', description: 'Probes and metrics.' },
  ],
};
