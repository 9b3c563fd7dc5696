import { type InstanceRecord, type ProbedCheck } from '@coordination/catalog';
import { isProbed } from '@coordination/registry';

/** An instance that the nodes of this service probe. */
export type ProbedRecord = InstanceRecord & { readonly check: ProbedCheck };

export const isProbedRecord = (record: InstanceRecord): record is ProbedRecord => isProbed(record.check);
