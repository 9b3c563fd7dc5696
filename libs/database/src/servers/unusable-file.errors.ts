/** A file that the settings of the database name cannot be used. The message names the file, and nothing that is in it. */
export class UnusableFileError extends Error {
  override readonly name = 'UnusableFileError';
  /** The code of the system, where it does not let the file be read. */
  readonly code: string | undefined;

  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.code = (cause as NodeJS.ErrnoException | undefined)?.code;
  }
}
