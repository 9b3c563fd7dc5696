import { type InstanceRecord } from '@coordination/catalog';

/** One server-sent event of a watch, as it came. */
export interface WatchFrame {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: {
    readonly revision: number;
    readonly action?: string;
    readonly instance?: InstanceRecord;
    readonly instances?: readonly InstanceRecord[];
  };
}

/** What came over one connection of a watcher, to its end. */
export interface WatchConnection {
  /** The id after which it resumed; undefined: it began anew. */
  readonly resumedAfter: number | undefined;
  readonly frames: readonly WatchFrame[];
}

/** Events that are not changes. */
const CONTROL = new Set(['snapshot', 'bookmark', 'reset']);

export const isChange = ({ event }: WatchFrame): boolean => !CONTROL.has(event);

/** A stretch of what a watcher was told in which nothing may be missing, over any number of connections. */
export interface WatchStretch {
  /** The revision after which it begins. */
  readonly after: number;
  /** What the watcher was told to be there at that revision; undefined: it came with a revision of its own. */
  readonly snapshot: readonly InstanceRecord[] | undefined;
  /** Changes and bookmarks. */
  readonly frames: readonly WatchFrame[];
  /** Whether a `reset` ended it. */
  readonly wasReset: boolean;
}

/** Cuts the record of a watcher where it began anew: at a `snapshot`, and after a `reset`. */
export function stretchesOf(connections: readonly WatchConnection[]): WatchStretch[] {
  const stretches: { after: number; snapshot?: readonly InstanceRecord[]; frames: WatchFrame[]; wasReset: boolean }[] =
    [];
  for (const { resumedAfter, frames } of connections) {
    const goesOn = stretches.length > 0 && resumedAfter !== undefined && !stretches.at(-1)!.wasReset;
    if (resumedAfter !== undefined && !goesOn) stretches.push({ after: resumedAfter, frames: [], wasReset: false });
    for (const frame of frames) {
      if (frame.event === 'snapshot') {
        const { revision, instances = [] } = frame.data;
        stretches.push({ after: revision, snapshot: instances, frames: [], wasReset: false });
        continue;
      }
      const stretch = stretches.at(-1);
      if (!stretch) throw new Error(`A watch without \`since\` began with ${frame.event}, not with a snapshot.`);
      if (frame.event === 'reset') stretch.wasReset = true;
      else stretch.frames.push(frame);
    }
  }
  return stretches.map(stretch => ({ snapshot: undefined, ...stretch }));
}
