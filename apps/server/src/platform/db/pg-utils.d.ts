declare module 'pg/lib/utils.js' {
  /** How pg writes a value as a parameter; its own types leave it out. */
  export function prepareValue(value: unknown): string | Buffer | null;
}
