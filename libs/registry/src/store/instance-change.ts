import { type LeasedInstance } from '@coordination/catalog';

/** The net change of one instance in a batch: however many commands touched it, its row is written once. */
export interface InstanceChange {
  /** The instance in the table; undefined: it is new. */
  readonly before: LeasedInstance | undefined;
  /** The instance after the batch; undefined: it is removed. */
  readonly after: LeasedInstance | undefined;
}

/** Net changes of a batch as JSON texts, for the statements that write them. */
export interface ChangeTexts {
  readonly changes: string;
  /** The services that were touched, each with its last revision. */
  readonly touches: string;
}
