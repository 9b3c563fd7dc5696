import { isIPv6 } from 'node:net';
import { DEFAULT_NAMESPACE, type InstanceIdentity, instanceIdSchema } from '@coordination/catalog';
import { newId, toFieldErrors, ValidationFailedError } from '@coordination/kernel';
import { type z } from 'zod';
import { type ExpectedVersion, type RegisterCommand } from '../domain/commands.js';
import { toSpec } from '../domain/spec/instance-spec.schema.js';
import { registerInstance, type RegisterInstance } from './registry.schemas.js';

/** Preconditions of a registration. */
export interface RegistrationConditions {
  /** Whether the registration is rejected when the instance exists. */
  readonly mustBeNew?: boolean;
  readonly ifMatch?: ExpectedVersion;
}

/**
 * The command of a registration that has been validated by `registerInstance`. `RegistryService` applies the policies.
 * @param namespace of the query, if it names one
 * @param at JSON pointer of the body, for errors
 * @throws ValidationFailedError when body and query contradict each other, or the default name is too long
 */
export function registerCommand(
  body: RegisterInstance,
  namespace: string | undefined,
  conditions: RegistrationConditions = {},
  at = '',
): RegisterCommand {
  const { status, incarnation, ...rest } = body;
  return {
    kind: 'register',
    id: newId(),
    identity: toIdentity(body, namespace, at),
    spec: toSpec(rest),
    initialState: status,
    incarnation,
    ...conditions,
  };
}

/**
 * The command of a registration that does not come from the native API: by the service itself, or through the adapter of
 * another wire protocol. The data is validated as the native API validates a body, and gets the same defaults.
 * @throws ValidationFailedError with the errors of all fields
 */
export function registerCommandFrom(
  data: z.input<typeof registerInstance>,
  conditions?: RegistrationConditions,
): RegisterCommand {
  const parsed = registerInstance.safeParse(data);
  if (!parsed.success) throw new ValidationFailedError(toFieldErrors(parsed.error.issues, ''));
  return registerCommand(parsed.data, undefined, conditions);
}

function toIdentity(body: RegisterInstance, namespace: string | undefined, at: string): InstanceIdentity {
  return {
    namespace: agreed(body.namespace, namespace, `${at}/namespace`) ?? DEFAULT_NAMESPACE,
    service: body.service,
    instanceId: body.instanceId ?? defaultInstanceId(body, at),
  };
}

/** The value of a field that may be in the body, in the URL, or in both. @throws ValidationFailedError when the values differ */
export function agreed(inBody: string | undefined, inUrl: string | undefined, path: string): string | undefined {
  if (inBody !== undefined && inUrl !== undefined && inBody !== inUrl) {
    throw ValidationFailedError.at(path, `contradicts the URL, which says ${inUrl}`);
  }
  return inBody ?? inUrl;
}

function defaultInstanceId({ host, port }: RegisterInstance, at: string): string {
  const name = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
  if (instanceIdSchema.safeParse(name).success) return name;
  throw ValidationFailedError.at(`${at}/instanceId`, 'is required here, because host:port is too long for a name');
}

/** Whether `If-None-Match` requires that the instance does not exist. @throws ValidationFailedError for other values than `*` */
export function mustBeNew(ifNoneMatch: readonly string[] | '*' | undefined): boolean {
  if (ifNoneMatch === undefined || ifNoneMatch === '*') return ifNoneMatch === '*';
  throw ValidationFailedError.at('/header/if-none-match', 'must be * on a registration');
}
