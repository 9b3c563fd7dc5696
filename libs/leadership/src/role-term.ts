/** One period in which a node holds a role. A request that a node makes in a role is valid as long as the term lasts. */
export interface RoleTerm {
  readonly role: string;
  readonly holder: string;
  /** Rises whenever the role is taken. */
  readonly term: number;
}

/** The request was made in a role that its node no longer holds. Nothing of it was carried out. */
export class TermEndedError extends Error {
  override readonly name = 'TermEndedError';

  constructor({ role, holder, term }: RoleTerm) {
    super(`Term ${term} of ${holder} in the role ${role} is over.`);
  }
}
