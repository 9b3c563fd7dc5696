import { type ArgumentMetadata, Injectable, StandardSchemaValidationPipe } from '@nestjs/common';
import { currentRequest } from '@coordination/context';
import {
  CheckedItems,
  type LongList,
  longListKeys,
  longListsIn,
  MalformedJsonError,
  pointerToken,
  toFieldErrors,
} from '@coordination/kernel';
import { Scheduler } from '@coordination/scheduling';
import { type z } from 'zod';
import { checkAtLength, rejectInvalid } from './invalid-fields.js';

/**
 * Validates the parameters that have a schema (`@Body({ schema })`, `@Query({ schema })`, `@Param({ schema })`), and reports
 * every invalid field of the request at once, by JSON pointer. The items of long lists are checked in slices of the scheduler.
 */
@Injectable()
export class RequestValidationPipe extends StandardSchemaValidationPipe {
  private readonly listKeys = new WeakMap<object, ReturnType<typeof longListKeys>>();

  constructor(private readonly scheduler: Scheduler) {
    super();
  }

  override async transform<T>(value: T, metadata: ArgumentMetadata): Promise<T> {
    const { schema } = metadata;
    if (!schema || !this.toValidate(metadata)) return value;
    const lists = metadata.type === 'body' ? longListsIn(this.listKeysOf(schema), value) : [];
    // Only schemas of zod have such lists.
    if (lists.length > 0)
      return (await this.validateInTurns({ value, base: baseOf(metadata) }, schema as z.ZodType, lists)) as T;
    const result = await this.validate(value, schema);
    if (!result.issues) return result.value as T;
    if (metadata.type === 'body' && value === undefined) {
      throw new MalformedJsonError('The body is absent. Send a JSON body.');
    }
    return rejectInvalid(toFieldErrors(result.issues, baseOf(metadata)));
  }

  private async validateInTurns(
    { value, base }: { readonly value: unknown; readonly base: string },
    schema: z.ZodType,
    lists: readonly LongList[],
  ): Promise<unknown> {
    let output: unknown;
    await checkAtLength(async () => {
      const checked = await this.checkItems(lists);
      const result = checked.checkWhole(schema, value);
      output = result.data;
      return result.success ? [] : toFieldErrors(result.error.issues, base);
    });
    return output;
  }

  /** Ends in a slice, which the check of the whole value uses. */
  private async checkItems(lists: readonly LongList[]): Promise<CheckedItems> {
    const turn = this.scheduler.begin({ workClass: 'write', client: currentRequest()?.clientAddress });
    const checked = new CheckedItems();
    for (const { itemSchema, items } of lists) {
      for (const item of items) {
        if (turn.isOver) await turn.next();
        checked.check(itemSchema, item);
      }
    }
    if (turn.isOver) await turn.next();
    return checked;
  }

  private listKeysOf(schema: object): ReturnType<typeof longListKeys> {
    const known = this.listKeys.get(schema);
    if (known) return known;
    const keys = longListKeys(schema);
    this.listKeys.set(schema, keys);
    return keys;
  }
}

/** The prefix of JSON pointers: none for body fields, and the part of the request for others. */
function baseOf({ type, data }: ArgumentMetadata): string {
  const name = data === undefined ? '' : `/${pointerToken(data)}`;
  switch (type) {
    case 'query':
      return `/query${name}`;
    case 'param':
      return `/path${name}`;
    default:
      return name;
  }
}
