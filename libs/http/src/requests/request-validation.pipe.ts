import { type ArgumentMetadata, Injectable, StandardSchemaValidationPipe } from '@nestjs/common';
import { MalformedJsonError, pointerToken, toFieldErrors } from '@coordination/kernel';
import { rejectInvalid } from './invalid-fields.js';

/**
 * Checks what `@Body({ schema })`, `@Query({ schema })` and `@Param({ schema })` ask for, and names every bad field of the
 * whole request at once, by JSON pointer.
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

/** Body fields are plain pointers; the others say where they come from. */
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
