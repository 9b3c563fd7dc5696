import { readFile, stat } from 'node:fs/promises';
import { type Clock } from '@coordination/kernel';

/** How often (ms) at most a file is checked for changes. */
const CHECK_MS = 2_000;

/** The state of a file by which a change is noticed; undefined: the file does not exist. */
type Mark = string | undefined;

/**
 * The parsed content of a file that may change. The file is checked when the content is asked for, at most every
 * {@link CHECK_MS}; a file that does not exist has no text. A file that cannot be read any more keeps its last content.
 */
export class WatchedFile<T> {
  private content: { readonly value: T; readonly mark: Mark } | undefined;
  private checkedMs = -Infinity;
  private checking: Promise<T> | undefined;

  constructor(
    private readonly path: string,
    private readonly parse: (text: string) => T,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
    private readonly checkMs: number = CHECK_MS,
  ) {}

  /** @throws Error when the file was never read, and cannot be: for example, no file descriptor is free */
  async read(): Promise<T> {
    const { content, clock } = this;
    if (content && clock.monotonicMs() - this.checkedMs < this.checkMs) return content.value;
    this.checking ??= this.check().finally(() => (this.checking = undefined));
    return await this.checking;
  }

  private async check(): Promise<T> {
    try {
      const mark = await this.mark();
      if (!this.content || this.content.mark !== mark) {
        const text = mark === undefined ? '' : await readFile(this.path, 'utf8');
        this.content = { value: this.parse(text), mark };
      }
    } catch (error) {
      if (!this.content) throw error;
    }
    this.checkedMs = this.clock.monotonicMs();
    return this.content.value;
  }

  private async mark(): Promise<Mark> {
    try {
      const { mtimeMs, ctimeMs, size, ino } = await stat(this.path);
      return [mtimeMs, ctimeMs, size, ino].join(' ');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }
}
