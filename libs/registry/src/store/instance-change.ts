import { type LeasedInstance } from '@coordination/catalog';

/** The net change of one instance in a batch: however many commands touched it, its row is written once. */
export interface InstanceChange {
  /** As the table has it; undefined: it does not. */
  readonly before: LeasedInstance | undefined;
  /** As the table shall have it; undefined: it shall not. */
  readonly after: LeasedInstance | undefined;
}
