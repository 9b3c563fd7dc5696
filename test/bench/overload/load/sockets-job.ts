/** What a process of raw sockets is asked. */
export type SocketsQuestion =
  /** Opens so many sockets more, sends a request on each (or nothing, where the text is empty), and never reads. Answered when all are sent. */
  | { readonly ask: 'open'; readonly url: string; readonly sockets: number; readonly text: string }
  /** Reads from now on. Answered by how many of them ended, and how many are still open, after a moment. */
  | { readonly ask: 'read' };

export interface SocketsRead {
  readonly ended: number;
  readonly open: number;
  /** Sockets that were refused, or ended before they were asked to read. */
  readonly failed: number;
}
