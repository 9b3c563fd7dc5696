import { type ErrorCode } from '@coordination/kernel';
import { formatETag, locationOf, POSITION_HEADERS, setPosition, type SuccessOptions } from '@coordination/http';
import { type FastifyReply } from 'fastify';
import {
  expiresAt,
  type Lease,
  type LeasedInstance,
  leasedInstanceView,
  normalizeRecord,
  type ProbeError,
  toInstanceView,
} from '@coordination/catalog';
import { type InstanceRead } from '../registry-reads.service.js';
import { instanceOf, type WriteResult } from '../requests/write-request.js';

/** Path of an instance by the id of the server. */
const pathOf = (id: string): string => `/api/v1/registry/instances/${id}`;

/** The response form of an instance with its lease. */
export function toLeasedView({ instance, lease }: LeasedInstance) {
  const record = toInstanceView(normalizeRecord(instance));
  return {
    ...record,
    health: { ...record.health, lastCheckedAt: lease.checkedAt, lastError: lastErrorOf(lease) },
    lastSeenAt: lease.renewedAt,
    expiresAt: expiresAt(lease, record.check),
  };
}

/** Undefined where the last check is unknown, too. */
export const lastErrorOf = ({ checkedAt, probeError }: Lease): ProbeError | null | undefined =>
  checkedAt === undefined ? undefined : (probeError ?? null);

/** The response to a write of one instance: the instance, with its version as the ETag; 201 and its path if it is new. */
export function answerWritten(reply: FastifyReply, result: WriteResult) {
  const leased = instanceOf(result);
  const { id, version } = leased.instance;
  setPosition(reply, result);
  reply.header('ETag', formatETag(version));
  if (result.results[0]?.outcome === 'created') reply.status(201).header('Location', locationOf(reply, pathOf(id)));
  return toLeasedView(leased);
}

/** The response to a read: the instance, with its version as the ETag. */
export function answerRead(reply: FastifyReply, { leased, ...position }: InstanceRead) {
  setPosition(reply, position);
  reply.header('ETag', formatETag(leased.instance.version));
  return toLeasedView(leased);
}

/** The success of a route that answers with the instance. */
export const INSTANCE_SUCCESS = {
  status: 200,
  response: leasedInstanceView,
  responseHeaders: ['ETag', ...POSITION_HEADERS],
} as const satisfies SuccessOptions;

/** The success of a registration of a new instance. */
export const CREATED_SUCCESS = {
  status: 201,
  response: leasedInstanceView,
  responseDescription: 'The instance is new.',
  responseHeaders: ['ETag', 'Location', ...POSITION_HEADERS],
} as const satisfies SuccessOptions;

export const NO_CONTENT_SUCCESS = { status: 204, responseHeaders: POSITION_HEADERS } as const satisfies SuccessOptions;

/** Error codes that any write may return. */
export const WRITE_PROBLEMS = ['QUEUE_FULL', 'STORE_UNAVAILABLE', 'OUTCOME_UNKNOWN'] as const satisfies ErrorCode[];

/** Error codes of writes that name an instance, and may name its version. */
export const CHANGE_PROBLEMS = [
  'INSTANCE_NOT_FOUND',
  'INCARNATION_ENDED',
  'VERSION_MISMATCH',
  ...WRITE_PROBLEMS,
] as const satisfies ErrorCode[];

/** Error codes of registrations. */
export const REGISTER_PROBLEMS = ['ALREADY_REGISTERED', ...CHANGE_PROBLEMS] as const satisfies ErrorCode[];
