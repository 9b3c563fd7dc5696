import { type FastifyReply } from 'fastify';

/** What must be said of a service beside what the catalog says of it: that a guard keeps it as it is. */
export interface GuardNotices {
  /** As the value of a header; undefined: nothing has to be said. */
  of(namespace: string, service: string): string | undefined;
}

/** Where whoever keeps the catalog alive attaches itself, since reading does not know it. */
export class GuardNoticeSlot implements GuardNotices {
  private notices: GuardNotices | undefined;

  attach(notices: GuardNotices): void {
    this.notices = notices;
  }

  of(namespace: string, service: string): string | undefined {
    return this.notices?.of(namespace, service);
  }
}

/** Says in an answer about a service that a guard keeps it as it is, if one does. */
export function setGuardHeader(reply: FastifyReply, notice: string | undefined): void {
  if (notice !== undefined) void reply.header('x-liveness-guard', notice);
}
