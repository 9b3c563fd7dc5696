/** What one client asked of an object and was answered, and when. */
export interface Operation<I, O> {
  /** Who asked; a client asks one thing after the other. */
  readonly client: string;
  readonly input: I;
  /** What was answered. Undefined: nobody knows; it takes effect at any time after the call, or never. */
  readonly output: O | undefined;
  /** When it was sent and answered (ms of one monotonic clock). Of an unknown outcome, `returnedAt` is Infinity. */
  readonly calledAt: number;
  readonly returnedAt: number;
}

/** What an object would do if its callers came one after the other. */
export interface SequentialModel<S, I, O> {
  readonly initial: S;
  /**
   * The state after an operation. Undefined: the operation would not have been answered like this. Without an output,
   * the state after it whatever is answered.
   */
  step(state: S, input: I, output: O | undefined): S | undefined;
  /** Equal texts for equal states. */
  keyOf(state: S): string;
  /** Whether an operation that was answered like this has not changed anything: a read, or a refusal. */
  isEffectless(input: I, output: O): boolean;
}
