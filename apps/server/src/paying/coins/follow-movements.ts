import type { ChainFollower } from '../../receiving/chain/index.ts';

/** Books what comes to wallets without an order and what leaves them without a spend of ours. */
export const coinsFollower: ChainFollower = {
  async lock() {},
  async changed() {},
  async tip() {},
};
