import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Databases, read } from '@coordination/database';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type AuditEvent, type LogHead } from './audit-event.js';
import { type CatalogHeadRepository } from './catalog-head.repository.js';
import { type ChainBreak, type ChainLink, ChainWalk, GENESIS, mayFollow } from './chain-walk.js';
import { type EventSearchRepository } from './event-search.repository.js';
import { hashEvent } from './hash-chain.js';
import { type ServiceEventRepository } from './service-event.repository.js';

/** Events that one transaction reads: a few milliseconds of an open snapshot. */
const PAGE_SIZE = 500;

/** How long (ms) hashes are computed before the event loop gets a turn; events may be of any size. */
const SLICE_MS = 10;

/** What to verify. */
export interface Verification {
  /** First and last revision, both included; the whole log by default. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** A place of the chain that was noted earlier. */
  readonly anchor?: ChainLink | undefined;
}

/** What a verification found. */
export interface Verdict {
  readonly valid: boolean;
  /** How many events were hashed again and found whole. */
  readonly checked: number;
  /** Where the log ended when the verification began. */
  readonly head: ChainLink;
  readonly firstBroken: ChainBreak | null;
}

/** What is known before the walk begins; all of one snapshot. */
interface Start {
  readonly end: ChainLink;
  readonly walk: ChainWalk;
  /** What is wrong with the ends of the log, and with the anchor. */
  readonly breaks: readonly ChainBreak[];
}

/** Recomputes the hash chain. */
export class ChainVerifier {
  constructor(
    private readonly databases: Databases,
    private readonly search: EventSearchRepository,
    private readonly events: ServiceEventRepository,
    private readonly heads: CatalogHeadRepository,
    private readonly pageSize = PAGE_SIZE,
  ) {}

  /**
   * Walks through the log, in short transactions since what is below the head never changes, and tells the first
   * revision at which it is not what was written.
   * @param signal ends the walk between two pages
   * @throws StoreUnavailableError
   */
  async verify(verification: Verification, signal: AbortSignal): Promise<Verdict> {
    const { end, walk, breaks } = await read(this.databases, em => this.begin(em, verification));
    const inside = await this.walk(walk, Math.min(verification.to ?? end.revision, end.revision), signal);
    const firstBroken = [...(inside ? [inside] : []), ...breaks].sort((a, b) => a.revision - b.revision)[0] ?? null;
    return { valid: firstBroken === null, checked: walk.checked, head: end, firstBroken };
  }

  private async begin(em: EntityManager, { from = 1, anchor }: Verification): Promise<Start> {
    const head = await this.heads.find(em);
    const newest = await this.search.newest(em);
    const end = head ?? newest ?? GENESIS;
    const breaks = [
      head
        ? await this.checkHead(em, head, newest)
        : { revision: Math.max(end.revision, 1), reason: 'HEAD_MISSING' as const },
      anchor && (await this.checkAnchor(em, anchor, end)),
    ];
    return {
      end: { revision: end.revision, hash: end.hash },
      walk: await this.startAt(em, from),
      breaks: breaks.filter(found => found !== undefined),
    };
  }

  private async checkHead(
    em: EntityManager,
    head: LogHead,
    newest: AuditEvent | undefined,
  ): Promise<ChainBreak | undefined> {
    const last = newest ?? GENESIS;
    if (last.revision < head.revision) return { revision: last.revision + 1, reason: 'EVENT_MISSING' };
    if (last.revision > head.revision) {
      const [beyond] = await this.events.findAfter(em, head.revision, 1);
      return { revision: beyond?.revision ?? last.revision, reason: 'BEYOND_HEAD' };
    }
    return last.hash === head.hash ? undefined : { revision: Math.max(head.revision, 1), reason: 'HEAD_MISMATCH' };
  }

  private async checkAnchor(em: EntityManager, anchor: ChainLink, end: ChainLink): Promise<ChainBreak | undefined> {
    const { revision } = anchor;
    if (revision === 0) return anchor.hash === GENESIS.hash ? undefined : { revision: 1, reason: 'ANCHOR_MISMATCH' };
    if (revision > end.revision) return { revision: end.revision + 1, reason: 'ANCHOR_MISSING' };
    const event = await this.search.findOne(em, revision);
    if (!event) return { revision, reason: 'ANCHOR_MISSING' };
    return event.hash === anchor.hash && hashEvent(event) === anchor.hash
      ? undefined
      : { revision, reason: 'ANCHOR_MISMATCH' };
  }

  /** A walk that begins before the first event of a range, linked to the one before it where that is there. */
  private async startAt(em: EntityManager, from: number): Promise<ChainWalk> {
    const before = (await this.search.newest(em, from)) ?? GENESIS;
    const [first] = await this.events.findAfter(em, from - 1, 1);
    if (before.revision === from - 1 || (first && mayFollow(before.revision, first))) return new ChainWalk(before);
    return new ChainWalk({ revision: from - 1, hash: '' }, false);
  }

  private async walk(walk: ChainWalk, to: number, signal: AbortSignal): Promise<ChainBreak | undefined> {
    let sliceStart = performance.now();
    while (walk.revision < to) {
      signal.throwIfAborted();
      const after = walk.revision;
      const page = await read(this.databases, em => this.events.findAfter(em, after, this.pageSize));
      for (const event of page) {
        if (walk.revision >= to) return undefined;
        // The numbers up to `to` may belong to nobody; what comes after them tells.
        if (event.revision > to) return walk.gapBefore(event);
        const broken = walk.next(event);
        if (broken) return broken;
        if (performance.now() - sliceStart < SLICE_MS) continue;
        await nextTurn();
        sliceStart = performance.now();
      }
      if (page.length === 0) return { revision: walk.revision + 1, reason: 'EVENT_MISSING' };
    }
    return undefined;
  }
}
