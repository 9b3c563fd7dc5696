import { z } from 'zod';

const text = z.string().max(1_000);

/** The metadata keys that queries use; other keys are free. */
export const metadataShape = z
  .looseObject({
    version: text
      .optional()
      .describe('Version of the application; discovery filters it by semver range (`appVersion`).'),
    environment: text.optional(),
    region: text.optional(),
    tags: z.record(z.string(), text).optional().describe('Keys and values are text.'),
    capabilities: z.array(text).max(1_000).optional(),
  })
  .meta({ id: 'InstanceMetadata', additionalProperties: true });
