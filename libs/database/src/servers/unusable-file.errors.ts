/** A file that the settings of the database name cannot be used. The message names the file and discloses none of its content. */
export class UnusableFileError extends Error {
  override readonly name = 'UnusableFileError';
  /** The code of the system error, where the file cannot be read. */
  readonly code: string | undefined;

  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.code = (cause as NodeJS.ErrnoException | undefined)?.code;
  }
}
