import { z } from 'zod';

/** A JSON patch, as it is answered. */
export const patchView = z
  .array(
    z
      .looseObject({
        op: z.enum(['add', 'remove', 'replace', 'move', 'copy', 'test']).meta({ id: 'PatchOperationKind' }),
        path: z.string().meta({ description: 'JSON pointer (RFC 6901).' }),
        value: z.unknown().optional().meta({ description: 'Of `add` and `replace`.' }),
      })
      .meta({ id: 'PatchOperation' }),
  )
  .meta({ id: 'JsonPatch', description: 'A JSON patch (RFC 6902).' });
