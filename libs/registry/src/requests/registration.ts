import { isIPv6 } from 'node:net';
import { newId, ValidationFailedError } from '@coordination/kernel';
import {
  type Check,
  DEFAULT_NAMESPACE,
  identityKey,
  type InitialState,
  type InstanceIdentity,
} from '@coordination/catalog';
import { type z } from 'zod';
import { type ExpectedVersion, type RegisterCommand } from '../domain/commands.js';
import { isProbed } from '../domain/health-rules.js';
import { toSpec } from '../domain/spec/instance-spec.schema.js';
import { instanceIdSchema, registerInstance, type RegisterInstance } from './registry.schemas.js';

/** Preconditions of a registration. */
export interface RegistrationConditions {
  readonly mustBeNew?: boolean;
  readonly ifMatch?: ExpectedVersion;
}

/**
 * The command of a registration.
 * @param namespace of the query, if it names one
 * @param at JSON pointer of the body, for errors
 * @throws ValidationFailedError when body and query contradict each other, the default name is too long for one, or health
 * is claimed that probes are to decide
 */
export function registerCommand(
  body: RegisterInstance,
  namespace: string | undefined,
  conditions: RegistrationConditions = {},
  at = '',
): RegisterCommand {
  const { status, incarnation, ...rest } = body;
  const spec = toSpec(rest);
  refuseClaim(spec.check, status, at);
  return {
    kind: 'register',
    id: newId(),
    identity: toIdentity(body, namespace, at),
    spec,
    initialState: status,
    incarnation,
    ...conditions,
  };
}

/**
 * The command of a registration by the service itself, with the defaults of the API filled in.
 * @throws ZodError when the API would refuse it
 */
export const registration = (body: z.input<typeof registerInstance>): RegisterCommand =>
  registerCommand(registerInstance.parse(body), undefined);

function toIdentity(body: RegisterInstance, namespace: string | undefined, at: string): InstanceIdentity {
  return {
    namespace: agreed(body.namespace, namespace, `${at}/namespace`) ?? DEFAULT_NAMESPACE,
    service: body.service,
    instanceId: body.instanceId ?? defaultInstanceId(body, at),
  };
}

/** @throws ValidationFailedError when health is claimed to be known of what is to be probed first */
export function refuseClaim(check: Check, status: InitialState | undefined, at: string): void {
  if (!isProbed(check) || status === undefined || status === 'unknown') return;
  const message = `must be unknown or absent with the check ${check.kind}: the first probes decide`;
  throw new ValidationFailedError([{ path: `${at}/status`, message }]);
}

/** What body and URL say of one thing, if they agree. */
export function agreed(inBody: string | undefined, inUrl: string | undefined, path: string): string | undefined {
  if (inBody !== undefined && inUrl !== undefined && inBody !== inUrl) {
    throw new ValidationFailedError([{ path, message: `contradicts the URL, which says ${inUrl}` }]);
  }
  return inBody ?? inUrl;
}

function defaultInstanceId({ host, port }: RegisterInstance, at: string): string {
  const name = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
  if (instanceIdSchema.safeParse(name).success) return name;
  throw new ValidationFailedError([
    { path: `${at}/instanceId`, message: 'is required here, because host:port is too long for a name' },
  ]);
}

/** @throws ValidationFailedError when two registrations of a batch name the same instance, naming each of the later ones */
export function refuseRepetition(commands: readonly RegisterCommand[]): void {
  const first = new Map<string, number>();
  const errors = commands.flatMap(({ identity }, n) => {
    const key = identityKey(identity);
    const before = first.get(key);
    if (before === undefined) first.set(key, n);
    return before === undefined ? [] : [{ path: `/instances/${n}`, message: `is ${key}, as /instances/${before} is` }];
  });
  if (errors.length > 0) throw new ValidationFailedError(errors);
}

/** Whether `If-None-Match` asks for a registration of what is not there yet. @throws ValidationFailedError for anything but `*` */
export function mustBeNew(ifNoneMatch: readonly string[] | '*' | undefined): boolean {
  if (ifNoneMatch === undefined || ifNoneMatch === '*') return ifNoneMatch === '*';
  throw new ValidationFailedError([{ path: '/header/if-none-match', message: 'must be * on a registration' }]);
}
