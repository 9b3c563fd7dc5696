import { Injectable } from '@nestjs/common';
import { type FastifyReply } from 'fastify';

/** Provides the notice that a service is protected by a self-preservation guard. */
export interface GuardNotices {
  /** The notice as the value of a header; undefined when no guard protects the service. */
  of(namespace: string, service: string): string | undefined;
}

/** Holds the provider of guard notices, which a library above this one attaches. */
@Injectable()
export class GuardNoticeSlot implements GuardNotices {
  private notices: GuardNotices | undefined;

  attach(notices: GuardNotices): void {
    this.notices = notices;
  }

  of(namespace: string, service: string): string | undefined {
    return this.notices?.of(namespace, service);
  }
}

/** Sets the header that reports a guard, if there is a notice. */
export function setGuardHeader(reply: FastifyReply, notice: string | undefined): void {
  if (notice !== undefined) void reply.header('x-liveness-guard', notice);
}
