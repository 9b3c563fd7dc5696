import { z } from 'zod';

/** One part of the service, in the shape of Terminus; each part adds details. */
const part = z
  .looseObject({
    status: z
      .enum(['up', 'degraded', 'down'])
      .meta({ id: 'HealthPartStatus' })
      .describe('`degraded`: something is wrong, but a supervisor or load balancer does not have to act on it.'),
    message: z.string().optional().describe('What is wrong, and what to do.'),
  })
  .meta({ id: 'HealthPart', additionalProperties: true });

const parts = (about: string) => z.record(z.string(), part).describe(about);

/** The response of the probes, with 200 and with 503. */
export const healthReport = z
  .looseObject({
    status: z.enum(['ok', 'degraded', 'error', 'shutting_down']).meta({ id: 'HealthReportStatus' }),
    info: parts('The parts that are up or degraded.').nullable().optional(),
    error: parts('The parts that are down.').nullable().optional(),
    details: parts('All parts, by name.'),
  })
  .meta({ id: 'HealthReport', description: 'The state of the service by part.' });
