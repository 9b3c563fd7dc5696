import { type ArgumentMetadata, Injectable, StandardSchemaValidationPipe } from '@nestjs/common';
import { MalformedJsonError, pointerToken, toFieldErrors } from '@coordination/kernel';
import { rejectInvalid } from './invalid-fields.js';

/**
 * Validates the parameters that have a schema (`@Body({ schema })`, `@Query({ schema })`, `@Param({ schema })`), and reports
 * every invalid field of the request at once, by JSON pointer.
 */
@Injectable()
export class RequestValidationPipe extends StandardSchemaValidationPipe {
  override async transform<T>(value: T, metadata: ArgumentMetadata): Promise<T> {
    const { schema } = metadata;
    if (!schema || !this.toValidate(metadata)) return value;
    const result = await this.validate(value, schema);
    if (!result.issues) return result.value as T;
    if (metadata.type === 'body' && value === undefined) {
      throw new MalformedJsonError('The body is absent. Send a JSON body.');
    }
    return rejectInvalid(toFieldErrors(result.issues, baseOf(metadata)));
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
