import { z } from 'zod';

/** One part of the service, in the shape of Terminus; each part adds what it has to tell. */
const part = z
  .looseObject({
    status: z
      .enum(['up', 'degraded', 'down'])
      .meta({ id: 'HealthPartStatus' })
      .describe('`degraded`: something is wrong, and what asks here need not act on it.'),
    message: z.string().optional().describe('What is wrong, and what to do.'),
  })
  .meta({ id: 'HealthPart', additionalProperties: true });

const parts = (about: string) => z.record(z.string(), part).describe(about);

/** What the probes answer, whether all is well (200) or not (503). */
export const healthReport = z
  .looseObject({
    status: z.enum(['ok', 'degraded', 'error', 'shutting_down']).meta({ id: 'HealthReportStatus' }),
    info: parts('The parts that are well.').nullable().optional(),
    error: parts('The parts that are not.').nullable().optional(),
    details: parts('All parts, by name.'),
  })
  .meta({ id: 'HealthReport', description: 'How the service is, part by part.' });
