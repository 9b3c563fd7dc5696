import { afterEach, describe, expect, it } from 'vitest';
import { type Clock } from '@coordination/kernel';
import { Metrics } from '@coordination/observability';
import { aToldTask } from '../../../../test/support/nodes/background-tasks.js';
import { anInstance, NOW } from '../../../../test/support/catalog/factories.js';
import { LogInMemory } from '../../../../test/support/log/log-in-memory.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { CatalogFollower } from './catalog-follower.js';
import { type CatalogLoader } from './catalog-loader.js';
import { type LogReader } from './log-reader.js';
import { ViewUpdater } from './view-updater.js';
import { CatalogState } from '../view/catalog-state.js';
import { CatalogView } from '../view/catalog-view.js';

const clock: Clock & { ms: number } = { ms: 0, now: () => new Date(NOW), monotonicMs: () => clock.ms };

let follower: CatalogFollower;

afterEach(() => follower.stop());

/** What a test may replace of what a follower works with. */
interface Replaced {
  readonly loader?: Pick<CatalogLoader, 'load'>;
  readonly reader?: Pick<LogReader, 'readAfter'>;
  readonly opened?: Promise<void>;
  readonly pollMs?: number;
}

/** A follower of a log in memory. */
function follow(log: LogInMemory, { loader, reader, opened = Promise.resolve(), pollMs = 5 }: Replaced = {}) {
  const view = new CatalogView(clock, { stalenessLimitSeconds: 600 });
  const said: string[] = [];
  const counts = { loads: 0, reads: 0 };
  const say = (message: string) => void said.push(message);
  const { task, lines } = aToldTask('catalog-follower', clock);
  const load = () => ({ head: log.head, state: new CatalogState(), sentAtMs: clock.ms });
  const readAfter = (revision: number) => ({
    head: log.head,
    events: log.events.filter(event => event.revision > revision),
    sentAtMs: clock.ms,
  });
  const countedReader = {
    readAfter: (revision: number) => {
      counts.reads += 1;
      return Promise.resolve(readAfter(revision));
    },
  };
  const updater = new ViewUpdater(
    view,
    loader ?? { load: () => Promise.resolve(load()) },
    reader ?? countedReader,
    { doubted: false, settle: () => Promise.resolve('continued') },
    { untilConfirmed: () => Promise.resolve() },
    { log: say, warn: say, error: say },
  );
  follower = new CatalogFollower(view, updater, { task: () => task }, { opened }, { pollMs }, new Metrics());
  return { view, updater, said, task, lines, counts, load, readAfter };
}

describe('a follower', () => {
  it('reads nothing before the tables are there', async () => {
    const ready = Promise.withResolvers<void>();
    const { view, counts } = follow(new LogInMemory(), { opened: ready.promise });
    follower.start();
    expect(counts.reads).toBe(0);
    expect(view.loaded).toBe(false);
    ready.resolve();
    await waitFor('the view to be loaded', () => view.loaded);
  });

  it('ends also when the tables never came', async () => {
    follow(new LogInMemory(), { opened: new Promise<void>(() => undefined) });
    follower.start();
    await follower.stop();
  });

  it('counts the view as current from before the query, not from its result', async () => {
    const log = new LogInMemory();
    const { view, readAfter } = follow(log, {
      reader: {
        readAfter: revision => {
          const page = readAfter(revision);
          clock.ms += 30_000; // the answer takes its time
          return Promise.resolve(page);
        },
      },
      pollMs: 600_000,
    });
    follower.start();
    await waitFor('the first look', () => view.loaded && clock.ms >= 30_000);
    expect(view.freshness().stalenessSeconds).toBe(30);
  });

  it('knows how far the view is behind', async () => {
    const log = new LogInMemory();
    const { view } = follow(log, { pollMs: 600_000, opened: new Promise<void>(() => undefined) });
    expect(follower.lag).toBe(0);
    follower.notify(7);
    follower.notify(Number('nonsense'));
    expect(follower.lag).toBe(7 - view.revision);
  });

  it('reads a revision of which it is notified while it waits for one of its own', async () => {
    const log = new LogInMemory();
    const { view, counts } = follow(log, { pollMs: 600_000 });
    follower.start();
    await waitFor('the first look', () => counts.reads > 0 && view.loaded);
    const own = log.put(anInstance({ instanceId: 'own' }));
    log.put(anInstance({ instanceId: 'of another node' }));
    follower.notify(1);
    follower.notify(2);
    view.apply([own]);
    await waitFor('the other one', () => view.revision === 2);
  });

  it('continues after a bug, without spinning', async () => {
    const log = new LogInMemory();
    let mistakes = 0;
    const { view, lines, readAfter } = follow(log, {
      reader: {
        readAfter: revision => {
          if (mistakes++ < 3) throw new TypeError('a mistake');
          return Promise.resolve(readAfter(revision));
        },
      },
    });
    log.put(anInstance());
    follower.start();
    await waitFor('the event', () => view.revision === 1);
    expect(lines.filter(({ msg }) => msg.includes('a mistake'))).toHaveLength(1);
  });

  it('loads again when the events of a page do not follow each other, and pauses between loads that do not help', async () => {
    const log = new LogInMemory();
    log.put(anInstance({ instanceId: 'a' }));
    let loads = 0;
    const { view, updater, said } = follow(log, {
      loader: {
        load: () => {
          loads += 1;
          return Promise.resolve({
            head: new LogInMemory(log.epoch).head,
            state: new CatalogState(),
            sentAtMs: clock.ms,
          });
        },
      },
      reader: {
        readAfter: () =>
          Promise.resolve({
            head: { ...log.head, revision: 3 },
            events: [log.events[0]!, { ...log.events[0]!, revision: 3 }],
            sentAtMs: clock.ms,
          }),
      },
    });
    follower.start();
    await waitFor('three loads', () => loads >= 3);
    expect(view.generation).toBeGreaterThanOrEqual(2);
    expect(updater.reloads).toBeGreaterThanOrEqual(2);
    expect(said.join('\n')).toContain('do not follow each other (gap)');
  });
});
