/** Through which protocol a change came in. */
export type CallSource = 'api' | 'first-viscount' | 'consul' | 'eureka' | 'system';

/** Who asked for a change, and through what: what the audit log keeps of every change. */
export interface CallOrigin {
  readonly actor: string;
  readonly clientAddress: string | null;
  readonly requestId: string | null;
  readonly source: CallSource;
  readonly reason: string | null;
}
