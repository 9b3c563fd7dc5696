import { type Databases, readSnapshot } from '@coordination/database';
import { errorText } from '@coordination/kernel';
import { type LogEvent } from '../../events/log-event.js';
import { type ChainLink, ChainWalk, GENESIS } from '../../events/chain-walk.js';
import { ServiceEventRepository } from '../../events/service-event.repository.js';
import { hasContent, readExport, writeExport, type WrittenFile } from './export-file.js';

/** Events that one transaction reads. */
const PAGE_SIZE = 500;

/** The exported part begins after this revision; its hash is undefined at the beginning of the log. */
export interface ExportStart {
  readonly revision: number;
  readonly hash: string | undefined;
}

/** The part of the log to export, and the file. */
export interface ExportedPart {
  /** The end of the part before it. */
  readonly begin: ExportStart;
  /** Its last event. */
  readonly last: ChainLink;
  readonly path: string;
}

/** Exports a part of the log before its removal, and verifies it meanwhile: a broken log is not removed. */
export class CutExport {
  private readonly events = new ServiceEventRepository();

  constructor(
    private readonly databases: Databases,
    private readonly part: ExportedPart,
    /** Ends the export between two pages. */
    private readonly signal?: AbortSignal,
  ) {}

  /**
   * Writes the file. If a run that was killed has already written it, it is verified and kept.
   * @throws Error when the log is broken, or another file has this name
   */
  async make(): Promise<WrittenFile> {
    const { path } = this.part;
    return (await hasContent(path)) ? await this.verified() : await writeExport(path, this.pages());
  }

  private async *pages(): AsyncGenerator<readonly LogEvent[]> {
    const { databases, events, signal } = this;
    const { last } = this.part;
    const walk = this.walk();
    while (walk.revision < last.revision) {
      signal?.throwIfAborted();
      const page = await readSnapshot(databases, em => events.findAfter(em, walk.revision, PAGE_SIZE));
      const wanted = page.filter(({ revision }) => revision <= last.revision);
      for (const event of wanted) this.follow(walk, event);
      if (wanted.length === 0) this.fail(`there is no event after revision ${walk.revision}`);
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
      throw new Error(`The file ${path} exists and is not a complete export (${errorText(error)}). Move it away.`, {
        cause: error,
      });
    });
    if (end?.revision !== last.revision || end.hash !== last.hash) {
      throw new Error(`The file ${path} exists and is another export. Move it away.`);
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
      `The log differs from what was written: ${what}. Nothing was removed. GET /api/v1/audit/verify gives details; ` +
        'docs/audit.md explains them.',
    );
  }
}
