/** A PostgreSQL server: another cluster has another system identifier, a promoted standby another timeline. */
export interface ServerIdentity {
  readonly systemIdentifier: string;
  readonly timeline: number;
}

/** The server on which the head was last written, and the server that has it now. */
export interface ServerChange {
  readonly written: ServerIdentity;
  readonly server: ServerIdentity;
}

/** Whether the head is on another server than the one on which it was last written. */
export const hasMoved = ({ written, server }: ServerChange): boolean =>
  written.systemIdentifier !== server.systemIdentifier || written.timeline !== server.timeline;

/** Text of a server, for messages. */
export const serverText = ({ systemIdentifier, timeline }: ServerIdentity): string =>
  `system ${systemIdentifier}, timeline ${timeline}`;
