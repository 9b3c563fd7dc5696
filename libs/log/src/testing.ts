/** What tests of other libraries use in addition to `index.ts`. */
export { type EpochStarted } from './epochs/epoch-event.js';
export { EPOCH_JUMP } from './events/chain-walk.js';
export { FIRST_PREVIOUS_HASH, hashEvent } from './events/hash-chain.js';
export { type InstanceName } from './events/instance-ref.js';
export { EVENT_COLUMNS } from './events/service-event.repository.js';
export { PartitionHeadroomJob } from './partitions/partition-headroom.job.js';
export { LogCompaction } from './retention/compaction/log-compaction.js';
