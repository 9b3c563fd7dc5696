/** Which PostgreSQL server, and which line of its life: a promoted standby has another timeline, another cluster both. */
export interface ServerIdentity {
  readonly systemIdentifier: string;
  readonly timeline: number;
}

/** Where the head was last written, and the server that has it now. */
export interface ServerChange {
  readonly written: ServerIdentity;
  readonly server: ServerIdentity;
}

/** Whether the head has come to another server than the one that it was last written on: nobody has vouched for it yet. */
export const hasMoved = ({ written, server }: ServerChange): boolean =>
  written.systemIdentifier !== server.systemIdentifier || written.timeline !== server.timeline;

/** For people. */
export const serverText = ({ systemIdentifier, timeline }: ServerIdentity): string =>
  `system ${systemIdentifier}, timeline ${timeline}`;
