import { type Bitcoind, type BlockRef, headerOf, rawBlockOf, rawHeaderOf } from './bitcoind.ts';

/** Something of LDK that is told about blocks. */
export interface BlockListener {
  connected(block: Uint8Array, height: number): void;
  disconnected(header: Uint8Array, height: number): void;
}

/**
 * Brings a listener from the block that it knows to `tip`: back to where both chains meet, then
 * forward.
 */
export async function bringTo(
  chain: Bitcoind,
  { from, tip }: { from: BlockRef; tip: BlockRef },
  listener: BlockListener,
): Promise<void> {
  let { hash, height } = from;
  for (;;) {
    const header = await headerOf(chain, hash);
    if (header.confirmations >= 0) break;
    if (header.previousblockhash === undefined) throw new Error('no common block with the chain');
    listener.disconnected(await rawHeaderOf(chain, hash), height);
    hash = header.previousblockhash;
    height -= 1;
  }
  while (height < tip.height) {
    const next = await chain.call<string>('getblockhash', height + 1);
    const block = await rawBlockOf(chain, next);
    height += 1;
    listener.connected(block, height);
  }
}

/** How often the chain is asked for its tip: blocks of regtest come when a person or test wants. */
const POLL_MS = 250;

export interface ChainFollower {
  /** Resolves when everything that the chain's node has now was told. */
  sync(): Promise<void>;
  readonly best: BlockRef;
  /** When the node answered last. */
  readonly lastAnswerMs: number;
  stop(): Promise<void>;
}

/**
 * Follows the chain by asking for its tip.
 * @param options.onBlocks called after new blocks were told
 * @param options.guard runs what calls into LDK
 */
export function followChain(options: {
  chain: Bitcoind;
  from: BlockRef;
  listener: BlockListener;
  onBlocks: (height: number) => void;
  onError: (error: unknown) => void;
  nowMs: () => number;
}): ChainFollower {
  const { chain, listener, onBlocks, onError, nowMs } = options;
  let best = options.from;
  let lastAnswerMs = nowMs();
  let running: Promise<void> | undefined;
  let again = false;
  let isStopped = false;

  async function round(): Promise<void> {
    do {
      again = false;
      const hash = await chain.call<string>('getbestblockhash');
      lastAnswerMs = nowMs();
      if (hash === best.hash || isStopped) continue;
      const tip = { hash, height: (await headerOf(chain, hash)).height };
      await bringTo(chain, { from: best, tip }, listener);
      best = tip;
      onBlocks(tip.height);
    } while (again);
  }

  function sync(): Promise<void> {
    // Who asks while a round is under way wants what came after that round asked for the tip.
    if (running !== undefined) again = true;
    running ??= round().finally(() => {
      running = undefined;
    });
    return running;
  }

  const timer = setInterval(() => void (running ?? sync().catch(onError)), POLL_MS);
  return {
    sync,
    get best() {
      return best;
    },
    get lastAnswerMs() {
      return lastAnswerMs;
    },
    async stop() {
      isStopped = true;
      clearInterval(timer);
      await running?.catch(() => undefined);
    },
  };
}
