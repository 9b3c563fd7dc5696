import { type Databases, readSnapshot } from '@coordination/database';
import { type LogEvent } from '../../events/log-event.js';
import { type ChainLink, ChainWalk, GENESIS } from '../../events/chain-walk.js';
import { type ServiceEventRepository } from '../../events/service-event.repository.js';
import { hasContent, readExport, writeExport, type WrittenFile } from './export-file.js';

/** Events that one transaction reads. */
const PAGE_SIZE = 500;

/** Where the part that is exported begins: after this revision, whose hash is not known where there is none before it. */
export interface Begin {
  readonly revision: number;
  readonly hash: string | undefined;
}

/** Which part of the log is exported, and where to. */
export interface ExportedPart {
  /** What comes before it. */
  readonly begin: Begin;
  /** Its last event. */
  readonly last: ChainLink;
  readonly path: string;
}

/** The part of the log that goes as a file, which is verified as it is written: a log that is broken is not removed. */
export class CutExport {
  constructor(
    private readonly tools: {
      readonly databases: Databases;
      readonly events: ServiceEventRepository;
      /** Ends it between two pages. */
      readonly signal?: AbortSignal;
    },
    private readonly part: ExportedPart,
  ) {}

  /**
   * The file, on disk. One that is there already, since somebody was killed after writing it, is taken if it is the same.
   * @throws Error when the log does not verify, or another file is in the way
   */
  async make(): Promise<WrittenFile> {
    const { path } = this.part;
    return (await hasContent(path)) ? await this.verified() : await writeExport(path, this.pages());
  }

  private async *pages(): AsyncGenerator<readonly LogEvent[]> {
    const { databases, events, signal } = this.tools;
    const { last } = this.part;
    const walk = this.walk();
    while (walk.revision < last.revision) {
      signal?.throwIfAborted();
      const page = await readSnapshot(databases, em => events.findAfter(em, walk.revision, PAGE_SIZE));
      const wanted = page.filter(({ revision }) => revision <= last.revision);
      for (const event of wanted) this.follow(walk, event);
      if (wanted.length === 0) this.fail(`there is nothing after revision ${walk.revision}`);
      yield wanted;
    }
  }

  private async verified(): Promise<WrittenFile> {
    const { path, last } = this.part;
    const walk = this.walk();
    let end: LogEvent | undefined;
    const sha256 = await readExport(path, event => {
      this.follow(walk, event);
      end = event;
    }).catch((error: unknown) => {
      throw new Error(`There is a file ${path} already, which is no whole export (${String(error)}). Move it away.`, {
        cause: error,
      });
    });
    if (end?.revision !== last.revision || end.hash !== last.hash) {
      throw new Error(`There is a file ${path} already, which is another export. Move it away.`);
    }
    return { events: walk.checked, sha256 };
  }

  private walk(): ChainWalk {
    const { revision, hash } = this.part.begin;
    return new ChainWalk(hash === undefined ? GENESIS : { revision, hash });
  }

  private follow(walk: ChainWalk, event: LogEvent): void {
    const broken = walk.next(event);
    if (broken) this.fail(`${broken.reason} at revision ${broken.revision}`);
  }

  private fail(what: string): never {
    throw new Error(
      `The log is not what was written: ${what}. Nothing was removed. GET /api/v1/audit/verify tells more; ` +
        'docs/audit.md says what it means.',
    );
  }
}
