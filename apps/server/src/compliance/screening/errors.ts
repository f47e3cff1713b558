/** A list that must not be used: it is cut, or not what it was said to be. */
export class ListError extends Error {
  override readonly name = 'ListError';
  readonly file: string;
  readonly line: number;

  constructor(file: string, line: number, message: string) {
    super(`${file}:${line}: ${message}`);
    this.file = file;
    this.line = line;
  }
}
