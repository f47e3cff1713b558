import type { RegtestNode } from '../../platform/embedded/bitcoind.ts';
import { PAYER_WALLET } from './chain.ts';

export type Ready = {
  baseUrl: string;
  apiKey: string;
  merchantId: string;
  node: RegtestNode;
  startedMs: number;
  /** How and when blocks come. */
  mining: string;
  /** The data folder, when it is kept. */
  keptIn: string | undefined;
  staysUp: boolean;
};

/** Tells what happens: to a person in prose, to a program as one JSON object a line. */
export type Report = {
  /** Before anything can be used; a program hears nothing yet. */
  progress(text: string): void;
  ready(ready: Ready): void;
  /** Something that happened, named for programs. */
  step(event: string, text: string, detail?: Record<string, unknown>): void;
  /** The last line of `--once`, JSON for everybody. */
  result(result: Record<string, unknown>): void;
};

export function createReport(json: boolean, write: (line: string) => void): Report {
  const line = (value: object) => write(JSON.stringify(value));
  return {
    progress(text) {
      if (!json) write(text);
    },
    ready(ready) {
      if (json) line(readyEvent(ready));
      else write(readyText(ready));
    },
    step(event, text, detail = {}) {
      if (json) line({ event, ...detail });
      else write(text);
    },
    result: line,
  };
}

/** Design §7: scripts and other people's tests read this shape. */
function readyEvent({ baseUrl, apiKey, merchantId, node }: Ready): object {
  return {
    event: 'ready',
    baseUrl,
    shopUrl: `${baseUrl}/shop`,
    dashboardUrl: null,
    apiKey,
    merchantId,
    bitcoin: {
      rpcUrl: node.rpcUrl,
      rpcUser: node.rpcUser,
      rpcPassword: node.rpcPassword,
      wallet: PAYER_WALLET,
    },
  };
}

function readyText({ baseUrl, apiKey, startedMs, mining, keptIn, staysUp }: Ready): string {
  const rows = [
    `Quittance is up (${(startedMs / 1000).toFixed(1)} s): a shop, a Bitcoin node on regtest, a database. No real money.`,
    '',
    `  Shop       ${baseUrl}/shop`,
    `  API docs   ${baseUrl}/docs`,
    '  Dashboard  not built yet',
    `  API key    ${apiKey}`,
    '',
  ];
  if (!staysUp) return rows.join('\n');
  const end =
    keptIn === undefined
      ? 'Ctrl-c ends everything and leaves nothing behind.'
      : `Ctrl-c ends everything; the data stays in ${keptIn}.`;
  return [...rows, mining, end].join('\n');
}
