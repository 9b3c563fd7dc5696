import { type MadeAnswer, type SharedAnswer, SharedAnswers } from '@coordination/http';
import { Metrics } from '@coordination/observability';
import { Scheduler, type Turn } from '@coordination/scheduling';
import { Inject, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { pastBound } from '../../kept-shares.js';
import { type Piece } from '../../responses/pieces.js';

type Pieces = readonly Piece<object>[];

/** An answer about the past, as it was made. */
export interface MadePast extends MadeAnswer {
  /** The list in pieces, which other versions of it may share. Only the newest version keeps them: they hold its instances. */
  pieces?: Pieces | undefined;
  /** The last revision that changed what it shows, if it is not in the key. */
  readonly revision?: number;
}

/** Makes an answer in slices. @param earlier the pieces of the last version of the list */
type Make = (turn: Turn, earlier: Pieces) => Promise<MadePast>;

/** How many lists may have pieces that later versions share. */
const MAX_LISTS = 1_000;

/**
 * Answers about the past. They never change as long as the epoch lasts, so each is kept under a key that has everything that it
 * depends on. Callers check first that the revision is retained.
 */
@Injectable()
export class PastAnswers {
  private readonly answers: SharedAnswers<MadePast>;
  /** The keys of the newest versions of lists. */
  private readonly newest = new LRUCache<string, string>({ max: MAX_LISTS });

  constructor(scheduler: Scheduler, metrics: Metrics, @Inject(pastBound) maxBytes: number) {
    const answers = new SharedAnswers<MadePast>(scheduler, maxBytes);
    this.answers = answers;
    metrics.observedGauge(
      'past_answers_kept_bytes',
      'Distinct bytes of answers about the past that are kept.',
      () => answers.keptBytes,
    );
    metrics.observedCounters(
      {
        name: 'past_answers_total',
        help: 'Answers about the past that were made, and that were shared with another request.',
        labelNames: ['source'],
      },
      () => [
        { labels: { source: 'made' }, value: answers.made },
        { labels: { source: 'shared' }, value: answers.shared },
      ],
    );
  }

  /**
   * The answer of a key: the one that is kept or being made, else a new one.
   * @param list the name of the list of which it is a version
   */
  async find(key: string, make: Make, list?: string): Promise<SharedAnswer<MadePast>> {
    if (list === undefined) return await this.answers.find(key, turn => make(turn, []));
    const answer = await this.answers.find(key, turn => make(turn, this.newestOf(list)?.pieces ?? []));
    const last = this.newestOf(list);
    if (answer.pieces && last !== answer) {
      if (last) last.pieces = undefined;
      this.newest.set(list, key);
    }
    return answer;
  }

  private newestOf(list: string): SharedAnswer<MadePast> | undefined {
    const key = this.newest.get(list);
    return key === undefined ? undefined : this.answers.get(key);
  }
}
