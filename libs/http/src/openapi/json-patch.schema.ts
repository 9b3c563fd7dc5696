import { z } from 'zod';

/** A JSON patch in a response. */
export const patchView = z
  .array(
    z
      .looseObject({
        op: z.enum(['add', 'remove', 'replace', 'move', 'copy', 'test']).meta({ id: 'PatchOperationKind' }),
        path: z.string().describe('JSON pointer (RFC 6901).'),
        value: z.unknown().optional().describe('Of `add` and `replace`.'),
      })
      .meta({ id: 'PatchOperation' }),
  )
  .meta({ id: 'JsonPatch', description: 'A JSON patch (RFC 6902).' });
