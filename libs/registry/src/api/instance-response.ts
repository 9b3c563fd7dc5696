import { type ErrorCode } from '@coordination/kernel';
import { formatETag, locationOf, type ResponseHeader, type SuccessOptions } from '@coordination/http';
import { type FastifyReply } from 'fastify';
import {
  expiresAt,
  type LeasedInstance,
  leasedInstanceView,
  normalizeRecord,
  toInstanceView,
} from '@coordination/catalog';
import { type InstanceRead, type InstanceWritten } from '../registry.service.js';

/** Where the catalog stood for an answer. */
export interface CatalogPosition {
  readonly revision: number;
  readonly epoch: string;
}

/** Path of an instance by the server's id. */
export const pathOf = (id: string): string => `/api/v1/registry/instances/${id}`;

/** An instance with its signs of life, as the registry answers it. */
export function toLeasedView({ instance, lease }: LeasedInstance) {
  const record = toInstanceView(normalizeRecord(instance));
  return {
    ...record,
    health: { ...record.health, lastCheckedAt: lease.checkedAt },
    lastSeenAt: lease.renewedAt,
    expiresAt: expiresAt(lease, record.check),
  };
}

/** Says of which catalog an answer speaks. */
export function setPosition(reply: FastifyReply, { revision, epoch }: CatalogPosition): void {
  reply.header('X-Catalog-Revision', revision).header('X-Catalog-Epoch', epoch);
}

/** The answer to a write: the instance itself, with its version as the ETag; 201 and its path when it is new. */
export function answerWritten(reply: FastifyReply, written: InstanceWritten) {
  const { instance } = written.leased;
  setPosition(reply, written);
  reply.header('ETag', formatETag(instance.version));
  if (written.outcome === 'created') reply.status(201).header('Location', locationOf(reply, pathOf(instance.id)));
  return toLeasedView(written.leased);
}

/** The answer to a read: the instance, with its version as the ETag. */
export function answerRead(reply: FastifyReply, { leased, ...position }: InstanceRead) {
  setPosition(reply, position);
  reply.header('ETag', formatETag(leased.instance.version));
  return toLeasedView(leased);
}

const POSITION: readonly ResponseHeader[] = ['X-Catalog-Revision', 'X-Catalog-Epoch'];

/** The success of a write that answers with the instance. */
export const INSTANCE_SUCCESS = {
  status: 200,
  response: leasedInstanceView,
  responseHeaders: ['ETag', ...POSITION],
} as const satisfies SuccessOptions;

/** The success of a registration of an instance that was not there. */
export const CREATED_SUCCESS = {
  status: 201,
  response: leasedInstanceView,
  responseDescription: 'The instance is new.',
  responseHeaders: ['ETag', 'Location', ...POSITION],
} as const satisfies SuccessOptions;

export const NO_CONTENT_SUCCESS = { status: 204, responseHeaders: POSITION } as const satisfies SuccessOptions;

export const POSITIONED = POSITION;

/** What can befall every write. */
export const WRITE_PROBLEMS = ['QUEUE_FULL', 'STORE_UNAVAILABLE', 'OUTCOME_UNKNOWN'] as const satisfies ErrorCode[];

/** What can befall a write that names an instance and may name its version. */
export const CHANGE_PROBLEMS = [
  'INSTANCE_NOT_FOUND',
  'INCARNATION_ENDED',
  'VERSION_MISMATCH',
  ...WRITE_PROBLEMS,
] as const satisfies ErrorCode[];

/** What can befall a registration. */
export const REGISTER_PROBLEMS = ['ALREADY_REGISTERED', ...CHANGE_PROBLEMS] as const satisfies ErrorCode[];
