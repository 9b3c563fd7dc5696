// What tests outside the registry need of its inside: imported as `@coordination/registry/testing`, and by tests only.
export { type Command, type ExpectedVersion, type RegisterCommand, type Target } from './domain/commands.js';
export { decide } from './domain/decide.js';
export { instanceSpecSchema } from './domain/spec/instance-spec.schema.js';
export { EmptyServicesJob, type EmptyServicesJobOptions } from './empty-services/empty-services.job.js';
export { ExpiredKeysJob } from './idempotency/expired-keys.job.js';
export { planBatch, touchesOf } from './write/plan-batch.js';
