import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Databases, readSnapshot } from '@coordination/database';
import { RevisionCompactedError } from '@coordination/kernel';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type LogEvent, type LogHead } from '../events/log-event.js';
import { type CatalogHeadRepository } from '../head/catalog-head.repository.js';
import { type ChainBreak, type ChainLink, ChainWalk, GENESIS, mayFollow } from '../events/chain-walk.js';
import { type EventSearchRepository } from '../events/event-search.repository.js';
import { hashEvent } from '../events/hash-chain.js';
import { compactedBy } from '../retention/compacted-event.js';
import { type LogCut, oldestOf } from '../retention/log-cut.js';
import { LogCutRepository } from '../retention/log-cut.repository.js';
import { type ServiceEventRepository } from '../events/service-event.repository.js';
import { type AskedRange, verifiedRange } from './verified-range.js';

/** Events that one transaction reads: a few milliseconds of an open snapshot. */
const PAGE_SIZE = 500;

/** How long (ms) hashes are computed before the event loop gets a turn; events may be of any size. */
const SLICE_MS = 10;

/** What to verify: a part of the log, all that is retained by default. */
export interface Verification extends AskedRange {
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
  /** The last revision of what is verified. */
  readonly to: number;
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
    private readonly cuts = new LogCutRepository(),
  ) {}

  /**
   * Walks through the log, in short transactions since what is below the head never changes, and tells the first
   * revision at which it is not what was written.
   * @param signal ends the walk between two pages
   * @throws RevisionCompactedError when some of the range is no longer retained, or is removed meanwhile
   * @throws ValidationFailedError when the range ends before it begins
   * @throws StoreUnavailableError
   */
  async verify(verification: Verification, signal: AbortSignal): Promise<Verdict> {
    const { end, walk, to, breaks } = await readSnapshot(this.databases, em => this.begin(em, verification));
    const inside = await this.walk(walk, to, signal);
    const firstBroken = [...(inside ? [inside] : []), ...breaks].sort((a, b) => a.revision - b.revision)[0] ?? null;
    return { valid: firstBroken === null, checked: walk.checked, head: end, firstBroken };
  }

  /**
   * Where the log ends that would be verified, without verifying it.
   * @throws RevisionCompactedError when some of the range is no longer retained
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

  /** Whoever removes the beginning of the log without a word has to change the log to hide it, or nothing tells of it. */
  private async checkCut(em: EntityManager, cut: LogCut): Promise<ChainBreak | undefined> {
    const event = await this.search.findOne(em, cut.eventRevision);
    const told = event && compactedBy(event);
    if (told?.revision === cut.revision && told.hash === cut.hash) return undefined;
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

  /** A walk that begins before the first event of a range, linked to the one before it where that is there. */
  private async startAt(em: EntityManager, from: number, begin: ChainLink): Promise<ChainWalk> {
    const found = await this.search.newest(em, from);
    const before = found && found.revision > begin.revision ? found : begin;
    const [first] = await this.events.findAfter(em, from - 1, 1);
    if (before.revision === from - 1 || (first && mayFollow(before.revision, first))) return new ChainWalk(before);
    return new ChainWalk({ revision: from - 1, hash: '' }, false);
  }

  private async walk(walk: ChainWalk, to: number, signal: AbortSignal): Promise<ChainBreak | undefined> {
    let sliceStart = performance.now();
    while (walk.revision < to) {
      signal.throwIfAborted();
      const after = walk.revision;
      const page = await readSnapshot(this.databases, async em => {
        await this.cuts.assertRetained(em, after);
        return await this.events.findAfter(em, after, this.pageSize);
      });
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
