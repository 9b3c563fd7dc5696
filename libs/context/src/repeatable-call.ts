/** A call that its caller may send again under the same key: it has one effect, and the first answer is the only one. */
export interface RepeatableCall {
  /** The caller's name for the call: 1 to 255 visible ASCII characters. It is the caller's own; others may use the same. */
  readonly key: string;
  /** Calls with the same key are repetitions of each other exactly when these texts are equal. */
  readonly fingerprint: string;
  /** To be called before the caller is answered with what was said before. */
  noteReplay(): void;
}
