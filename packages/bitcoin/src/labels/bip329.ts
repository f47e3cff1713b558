/** What a label is about (BIP329). */
export type LabelType = 'tx' | 'addr' | 'pubkey' | 'input' | 'output' | 'xpub';

export interface Label {
  readonly type: LabelType;
  /** Transaction id, address, key, "txid:index", or extended public key. */
  readonly ref: string;
  /** Absent where a record only carries other facts, such as `spendable`. */
  readonly label?: string;
  /** Key origin without the checksum, such as "wpkh([d34db33f/84h/0h/0h])"; for type tx. */
  readonly origin?: string;
  /** Whether the owner wants the output spent; for type output. */
  readonly spendable?: boolean;
  /** Fields that are not known here, as they came: they are written again. */
  readonly other: Readonly<Record<string, unknown>>;
}

export interface LabelError {
  /** From 1 on. */
  readonly line: number;
  readonly reason: string;
}

export interface ParsedLabels {
  readonly labels: readonly Label[];
  readonly errors: readonly LabelError[];
}

/** A wallet of years; more is imported in parts. */
export const MAX_LABEL_LINES = 500_000;
/** BIP329 leaves the length of labels open and suggests 255 characters. */
const MAX_LINE_LENGTH = 20_000;

const OUTPOINT = /^[0-9a-f]{64}:\d{1,10}$/;

/** What a reference looks like; addresses and keys are checked by whoever knows the network. */
const REFERENCES: Readonly<Record<LabelType, RegExp>> = {
  tx: /^[0-9a-f]{64}$/,
  addr: /^[0-9a-z]{14,90}$/i,
  pubkey: /^(?:[0-9a-f]{64}|0[23][0-9a-f]{64}|04[0-9a-f]{128})$/,
  input: OUTPOINT,
  output: OUTPOINT,
  xpub: /^[1-9A-HJ-NP-Za-km-z]{105,115}$/,
};

/**
 * Reads labels as wallets export them (BIP329): one JSON object on each line. A line that is wrong
 * gives an error and the others are read; empty lines are passed over. Nothing unknown is lost.
 */
export function parseLabels(text: string): ParsedLabels {
  const labels: Label[] = [];
  const errors: LabelError[] = [];
  const lines = text.split('\n');
  if (lines.length > MAX_LABEL_LINES) {
    return { labels, errors: [{ line: 1, reason: `at most ${MAX_LABEL_LINES} lines are read` }] };
  }
  lines.forEach((each, i) => {
    if (each.trim() === '') return;
    const read = readLine(each);
    if (typeof read === 'string') errors.push({ line: i + 1, reason: read });
    else labels.push(read);
  });
  return { labels, errors };
}

/** Writes labels, one JSON object on each line, each line ended. */
export function formatLabels(labels: readonly Label[]): string {
  return labels
    .map(({ other, ...known }) => `${JSON.stringify({ ...known, ...other })}\n`)
    .join('');
}

/** A label, or what is wrong with the line. */
function readLine(line: string): Label | string {
  if (line.length > MAX_LINE_LENGTH) return 'the line is too long';
  const record = readObject(line);
  if (record === null) return 'the line is not a JSON object';
  const { type, ref, label, origin, spendable, ...other } = record;
  if (!isLabelType(type)) return 'type is none of tx, addr, pubkey, input, output, xpub';
  if (typeof ref !== 'string') return 'ref is missing';
  const reference = type === 'addr' || type === 'xpub' ? ref : ref.toLowerCase();
  if (!REFERENCES[type].test(reference)) return `ref is not what type ${type} refers to`;
  if (label !== undefined && typeof label !== 'string') return 'label is not text';
  if (origin !== undefined && typeof origin !== 'string') return 'origin is not text';
  if (spendable !== undefined && typeof spendable !== 'boolean') {
    return 'spendable is neither true nor false';
  }
  return {
    type,
    ref: reference,
    ...(label === undefined ? {} : { label }),
    ...(origin === undefined ? {} : { origin }),
    ...(spendable === undefined ? {} : { spendable }),
    other,
  };
}

function isLabelType(type: unknown): type is LabelType {
  return typeof type === 'string' && Object.hasOwn(REFERENCES, type);
}

function readObject(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
    return Object.fromEntries(Object.entries(value));
  } catch {
    return null;
  }
}
