import { z } from 'zod';

const text = z.string().max(1_000);

/** Metadata keys that queries know; others may be anything. */
export const metadataShape = z
  .looseObject({
    version: text.optional().describe('Version of what runs; discovery filters it by semver range (`appVersion`).'),
    environment: text.optional(),
    region: text.optional(),
    tags: z.record(z.string(), text).optional().describe('Text to text.'),
    capabilities: z.array(text).max(1_000).optional(),
  })
  .meta({ id: 'InstanceMetadata', additionalProperties: true });
