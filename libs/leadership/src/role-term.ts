/** One node's time in a role. What it orders counts as long as the term lasts, and no longer. */
export interface RoleTerm {
  readonly role: string;
  readonly holder: string;
  /** Rises whenever the role is taken. */
  readonly term: number;
}

/** The request was made in a role that its node no longer has. Nothing of it was carried out. */
export class TermEndedError extends Error {
  override readonly name = 'TermEndedError';

  constructor({ role, holder, term }: RoleTerm) {
    super(`Term ${term} of ${holder} in the role ${role} is over.`);
  }
}
