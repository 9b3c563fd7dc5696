/** A call that its caller may send again under the same key: it has one effect, and each repetition gets the first response. */
export interface RepeatableCall {
  /** The name that the caller gave the call: 1 to 255 visible ASCII characters. Other callers may use the same name. */
  readonly key: string;
  /** Two calls with the same key are repetitions of each other if and only if these texts are equal. */
  readonly fingerprint: string;
  /** Must be called before the stored response is sent. */
  noteReplay(): void;
}
