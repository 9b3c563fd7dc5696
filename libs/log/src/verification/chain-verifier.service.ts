import { Injectable, Optional } from '@nestjs/common';
import { Databases, readSnapshot } from '@coordination/database';
import { RevisionCompactedError } from '@coordination/kernel';
import { type Turn } from '@coordination/scheduling';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type LogEvent, type LogHead } from '../events/log-event.js';
import { CatalogHeadRepository } from '../head/catalog-head.repository.js';
import { type ChainBreak, type ChainLink, ChainWalk, GENESIS, mayFollow } from '../events/chain-walk.js';
import { EventSearchRepository } from '../events/event-search.repository.js';
import { hashEvent } from '../events/hash-chain.js';
import { compactedBy } from '../retention/compacted-event.js';
import { type LogCut, oldestOf } from '../retention/log-cut.js';
import { LogCutRepository } from '../retention/log-cut.repository.js';
import { ServiceEventRepository } from '../events/service-event.repository.js';
import { type RequestedRange, verifiedRange } from './verified-range.js';

/**
 * Events that one transaction reads. Its snapshot is open for a few milliseconds, and the driver parses so many events, each of
 * up to 70 kB, without the scheduler.
 */
const PAGE_SIZE = 200;

/** What to verify. */
export interface Verification extends RequestedRange {
  /** A revision and its hash that were stored outside earlier. */
  readonly anchor?: ChainLink | undefined;
}

/** The result of a verification. */
export interface Verdict {
  readonly valid: boolean;
  /** How many events were hashed again and match. */
  readonly checked: number;
  /** The end of the log when the verification began. */
  readonly head: ChainLink;
  readonly firstBroken: ChainBreak | null;
}

/** What is read before the walk begins, in one snapshot. */
interface Start {
  readonly end: ChainLink;
  readonly walk: ChainWalk;
  /** The last revision to verify. */
  readonly to: number;
  /** Breaks at the ends of the log, and of the anchor. */
  readonly breaks: readonly ChainBreak[];
}

/** Verifies the hash chain by hashing all events again. */
@Injectable()
export class ChainVerifier {
  constructor(
    private readonly databases: Databases,
    private readonly search: EventSearchRepository,
    private readonly events: ServiceEventRepository,
    private readonly heads: CatalogHeadRepository,
    private readonly cuts: LogCutRepository = new LogCutRepository(),
    @Optional() private readonly pageSize = PAGE_SIZE,
  ) {}

  /**
   * Walks through the log in short transactions, which is correct because events below the head never change, and finds the
   * first revision at which the log differs from what was written.
   * @param turn runs the work; its signal ends it
   * @param betweenPages awaited after each page, so that other work may take turns with this one
   * @throws RevisionCompactedError when a part of the range is no longer retained, or is removed meanwhile
   * @throws ValidationFailedError when the range ends before it begins
   * @throws StoreUnavailableError
   */
  async verify(verification: Verification, turn: Turn, betweenPages?: () => Promise<void>): Promise<Verdict> {
    const start = readSnapshot(this.databases, em => this.begin(em, verification));
    const { end, walk, to, breaks } = await turn.waitFor(start);
    const inside = await this.walk(walk, to, turn, betweenPages);
    const firstBroken = [...(inside ? [inside] : []), ...breaks].sort((a, b) => a.revision - b.revision)[0] ?? null;
    return { valid: firstBroken === null, checked: walk.checked, head: end, firstBroken };
  }

  /**
   * The end of the log that {@link verify} would use, without verifying anything.
   * @throws RevisionCompactedError when a part of the range is no longer retained
   * @throws StoreUnavailableError
   */
  async headFor(verification: Verification): Promise<ChainLink> {
    return (await readSnapshot(this.databases, em => this.begin(em, verification))).end;
  }

  private async begin(em: EntityManager, verification: Verification): Promise<Start> {
    const { anchor } = verification;
    const cut = await this.cuts.find(em);
    const head = await this.heads.find(em);
    const newest = await this.search.newest(em);
    const end = head ?? newest ?? cut ?? GENESIS;
    const { from, to } = await verifiedRange(em, this.search, verification, { head: end.revision, cut });
    if (anchor && anchor.revision < oldestOf(cut)) throw new RevisionCompactedError(anchor.revision, oldestOf(cut));
    const breaks = [
      head
        ? await this.checkHead(em, head, newest)
        : { revision: Math.max(end.revision, 1), reason: 'HEAD_MISSING' as const },
      cut && (await this.checkCut(em, cut)),
      anchor && (await this.checkAnchor(em, anchor, end, cut)),
    ];
    return {
      end: { revision: end.revision, hash: end.hash },
      walk: await this.startAt(em, from, cut ?? GENESIS),
      to,
      breaks: breaks.filter(found => found !== undefined),
    };
  }

  private async checkHead(
    em: EntityManager,
    head: LogHead,
    newest: LogEvent | undefined,
  ): Promise<ChainBreak | undefined> {
    const last = newest ?? GENESIS;
    if (last.revision < head.revision) return { revision: last.revision + 1, reason: 'EVENT_MISSING' };
    if (last.revision > head.revision) {
      const [beyond] = await this.events.findAfter(em, head.revision, 1);
      return { revision: beyond?.revision ?? last.revision, reason: 'BEYOND_HEAD' };
    }
    return last.hash === head.hash ? undefined : { revision: Math.max(head.revision, 1), reason: 'HEAD_MISMATCH' };
  }

  /** A cut must be recorded by its event in the log: a forged cut has none, or breaks the chain. */
  private async checkCut(em: EntityManager, cut: LogCut): Promise<ChainBreak | undefined> {
    const event = await this.search.findOne(em, cut.eventRevision);
    const recorded = event && compactedBy(event);
    if (recorded?.revision === cut.revision && recorded.hash === cut.hash) return undefined;
    return { revision: cut.revision, reason: 'CUT_MISMATCH' };
  }

  private async checkAnchor(
    em: EntityManager,
    anchor: ChainLink,
    end: ChainLink,
    cut: LogCut | undefined,
  ): Promise<ChainBreak | undefined> {
    const { revision } = anchor;
    if (revision === cut?.revision) {
      return anchor.hash === cut.hash ? undefined : { revision, reason: 'ANCHOR_MISMATCH' };
    }
    if (revision === 0) return anchor.hash === GENESIS.hash ? undefined : { revision: 1, reason: 'ANCHOR_MISMATCH' };
    if (revision > end.revision) return { revision: end.revision + 1, reason: 'ANCHOR_MISSING' };
    const event = await this.search.findOne(em, revision);
    if (!event) return { revision, reason: 'ANCHOR_MISSING' };
    return event.hash === anchor.hash && hashEvent(event) === anchor.hash
      ? undefined
      : { revision, reason: 'ANCHOR_MISMATCH' };
  }

  /** A walk that begins before the first event of a range, linked to the event before it if there is one. */
  private async startAt(em: EntityManager, from: number, begin: ChainLink): Promise<ChainWalk> {
    const found = await this.search.newest(em, from);
    const before = found && found.revision > begin.revision ? found : begin;
    const [first] = await this.events.findAfter(em, from - 1, 1);
    if (before.revision === from - 1 || (first && mayFollow(before.revision, first))) return new ChainWalk(before);
    return new ChainWalk({ revision: from - 1, hash: '' }, false);
  }

  private async walk(
    walk: ChainWalk,
    to: number,
    turn: Turn,
    betweenPages?: () => Promise<void>,
  ): Promise<ChainBreak | undefined> {
    while (walk.revision < to) {
      const after = walk.revision;
      const reading = readSnapshot(this.databases, async em => {
        await this.cuts.assertRetained(em, after);
        return await this.events.findAfter(em, after, this.pageSize);
      });
      const page = await turn.waitFor(reading);
      for (const event of page) {
        if (turn.isOver) await turn.next();
        if (walk.revision >= to) return undefined;
        // The revisions up to `to` may lie in the gap of an epoch; the next event shows whether they do.
        if (event.revision > to) return walk.gapBefore(event);
        const broken = walk.next(event);
        if (broken) return broken;
      }
      if (page.length === 0) return { revision: walk.revision + 1, reason: 'EVENT_MISSING' };
      if (betweenPages) await turn.waitFor(betweenPages());
    }
    return undefined;
  }
}
