import { currentRequest } from '@coordination/context';
import { type Scheduler, type Turn } from '@coordination/scheduling';
import { CompressedForm } from '../compression/compressed-form.js';
import { KeptBodies, type KeptBody } from './kept-bodies.js';
import { type SharedBody, sharedIfLarge } from '../sending/shared-body.js';

/** An answer as it was made; it may have more than its body. */
export interface MadeAnswer {
  readonly body: string | SharedBody;
}

/** An answer as it is kept and sent. */
export type SharedAnswer<Made extends MadeAnswer> = Made & Required<KeptBody>;

/**
 * Answers that never change under their key, which has everything that they depend on: each is made once for all who ask while
 * it is made, and kept as long as there is room.
 */
export class SharedAnswers<Made extends MadeAnswer = MadeAnswer> {
  private readonly kept: KeptBodies<SharedAnswer<Made>>;
  private readonly underWay = new Map<string, Promise<SharedAnswer<Made>>>();

  /** How many answers were made. */
  made = 0;
  /** How many answers were taken from those that were kept or being made. */
  shared = 0;

  /** @param maxBytes how many distinct bytes may be kept */
  constructor(
    private readonly scheduler: Scheduler,
    maxBytes: number,
  ) {
    this.kept = new KeptBodies(maxBytes);
  }

  /** The distinct bytes that are kept. */
  get keptBytes(): number {
    return this.kept.byteLength;
  }

  /** Whether an answer is kept or being made. */
  has(key: string): boolean {
    return this.underWay.has(key) || this.kept.get(key) !== undefined;
  }

  /** An answer that is kept. */
  get(key: string): SharedAnswer<Made> | undefined {
    return this.kept.get(key);
  }

  /**
   * The answer of a key.
   * @param make makes it in slices of a turn, which is that of the client that asked first
   */
  async find(key: string, make: (turn: Turn) => Promise<Made>): Promise<SharedAnswer<Made>> {
    const known = this.kept.get(key) ?? this.underWay.get(key);
    if (known) {
      this.shared += 1;
      return await known;
    }
    const making = this.make(key, make).finally(() => this.underWay.delete(key));
    this.underWay.set(key, making);
    return await making;
  }

  private async make(key: string, make: (turn: Turn) => Promise<Made>): Promise<SharedAnswer<Made>> {
    const turn = this.scheduler.begin({ workClass: 'heavy', client: currentRequest()?.clientAddress ?? undefined });
    try {
      const made = await make(turn);
      this.made += 1;
      const body = sharedIfLarge(made.body);
      const compressed = new CompressedForm(body, () => this.kept.resize(key, answer));
      const answer: SharedAnswer<Made> = { ...made, body, compressed };
      this.kept.set(key, answer);
      return answer;
    } finally {
      turn.end();
    }
  }
}
