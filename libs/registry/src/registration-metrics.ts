import { type CommandResult } from './requests/write-request.js';

/** Counts registrations by what came of them. */
export interface RegistrationMetrics {
  registered(outcome: CommandResult['outcome']): void;
}
