import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../../platform/log/index.ts';
import type { DemoChain } from './chain.ts';

/** As seconds pass while a person looks at a page that says "confirming". */
export const BLOCK_EVERY_MS = 20_000;
/** With --fast: how long a payment may be seen as unconfirmed before a block holds it. */
const FAST_MS = 250;
/** With --fast: blocks after the one with the payment, so that amounts below 10 BTC confirm. */
const FAST_MORE_BLOCKS = 5;

export type Miner = { stop(): Promise<void> };

/** Mines while the demo stays up; a demo without blocks would have no paid orders. */
export function startMiner(options: { chain: DemoChain; fast: boolean; log: Logger }): Miner {
  const { chain, fast, log } = options;
  const ending = new AbortController();
  const { signal } = ending;
  let moreBlocks = 0;

  async function tick(): Promise<void> {
    if (!fast) return chain.mine(1);
    if ((await chain.mempoolSize()) > 0) moreBlocks = FAST_MORE_BLOCKS + 1;
    if (moreBlocks === 0) return;
    await chain.mine(1);
    moreBlocks -= 1;
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      await sleep(fast ? FAST_MS : BLOCK_EVERY_MS, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      await tick().catch((error: unknown) => log.warn({ error }, 'no block could be mined'));
    }
  }
  const running = run();
  return {
    stop() {
      ending.abort();
      return running;
    },
  };
}
