// What tests outside this library need of its inside: imported as `@coordination/liveness/testing`, and by tests only.
export { type Explanation } from './explain/explanation.js';
export { admit, admitted } from './guard/admission.js';
export { evaluateGuard } from './guard/evaluate-guard.js';
export { GuardOverrides } from './guard/guard-overrides.service.js';
export { type ExpiryRules, type GuardRules } from './guard/guard-rules.js';
export { type GuardState, isReport } from './guard/guard-state.js';
export { type LeaseCounts, type ServiceCount } from './guard/lease-counts.js';
export { LivenessGuardRepository } from './guard/liveness-guard.repository.js';
export { longStallUntil } from './guard/outage-recovery.js';
export { RecentEvictions } from './guard/recent-evictions.js';
export { countWindows } from './sweep/count-windows.js';
export { EndedLeasesRepository } from './sweep/ended-leases.repository.js';
export { ExpiryPlanner } from './sweep/expiry-planner.js';
export { GuardRecorder } from './sweep/guard-recorder.js';
export { LeaseExpirer } from './sweep/lease-expirer.js';
export { LeaseSweep } from './sweep/lease-sweep.js';
export { Redating } from './sweep/redating.js';
