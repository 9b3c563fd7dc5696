/** Why two commits cannot be compared, and what to do about it: a text for people, without a stack. */
export class CannotCompare extends Error {}
