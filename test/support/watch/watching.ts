import { type Api } from '../http/api.js';
import { waitFor } from '../time/wait-for.js';
import { openWatch, type WatchStart } from './recording-watcher.js';
import { isChange, type WatchFrame } from './watch-record.js';

/** One connection to a watch that writes down what comes. */
export interface Watching {
  readonly frames: readonly WatchFrame[];
  /** Changes and resets as `event instanceId`, without bookmarks and snapshots. */
  told(): string[];
  /** Waits until an event has come. */
  until(what: string, condition: (frame: WatchFrame) => boolean): Promise<WatchFrame>;
  /** Resolves when the server has ended it; rejects when it broke. */
  readonly ended: Promise<void>;
  /** Hangs up. */
  stop(): Promise<void>;
}

/** Opens a watch. */
export function startWatching(api: Api, query: string, start: WatchStart = {}): Watching {
  const frames: WatchFrame[] = [];
  const hangUp = new AbortController();
  let failure: unknown;
  const ended = (async () => {
    for await (const frame of openWatch(api, query, start, hangUp.signal)) frames.push(frame);
  })();
  ended.catch((error: unknown) => (failure = error));
  return {
    frames,
    ended,
    told: () => frames.filter(isChange).map(({ event, data }) => `${event} ${data.instance?.instanceId}`),
    async until(what, condition) {
      await waitFor(what, () => {
        if (failure) throw failure;
        return frames.some(condition);
      });
      return frames.find(condition)!;
    },
    async stop() {
      hangUp.abort();
      await ended.catch(() => undefined);
    },
  };
}
