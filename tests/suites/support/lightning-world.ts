import { regtestDescriptor } from '../../support/descriptors.ts';
import {
  type LightningNetwork,
  startLightning,
  type TestLightningNode,
} from '../../support/lightning.ts';
import { callApi, created201 } from './clients.ts';
import { type PayingWorld, type SelfExitListener, startPayingWorld } from './paying-servers.ts';
import type { ServerProcess } from './server-process.ts';

/** Everything that pays and is paid over Lightning, each a process of its own. */
export type LightningWorld = PayingWorld<LightningShop> & Companions;

type LightningShop = { readonly id: string; readonly apiKey: string };
type Companions = {
  readonly network: LightningNetwork;
  /** Our own node, and the one that is at the other end of its channel. */
  readonly own: TestLightningNode;
  readonly peer: TestLightningNode;
};

const CAPACITY_SATS = 16_000_000n;

export function startLightningWorld(onSelfExit: SelfExitListener): Promise<LightningWorld> {
  return startPayingWorld<LightningShop, Companions>({
    ...{ name: 'lightning-crash', onSelfExit, openShop: openLightningShop },
    async companions({ regtest }) {
      const network = await startLightning(regtest, {
        names: ['own', 'peer'],
        channels: { capacitySats: CAPACITY_SATS },
      });
      const own = network.get('own');
      return {
        env: { QUITTANCE_LIGHTNING_EMBEDDED_DIR: own.place.folder },
        stop: () => network.stop(),
        more: { network, own, peer: network.get('peer') },
      };
    },
  });
}

/** A shop with our node and a processor that pays what is approved at once. */
async function openLightningShop(server: ServerProcess): Promise<LightningShop> {
  const adminKey = await server.adminKey();
  const body = {
    name: 'Payer',
    descriptor: regtestDescriptor(90_000),
    settings: { rateRule: { sources: ['fixed'], minSources: 1 } },
  };
  const created = await created201<{ merchant: { id: string }; apiKey: { secret: string } }>(
    callApi(`${server.url}/v1/merchants`, { apiKey: adminKey, body }),
  );
  const apiKey = created.apiKey.secret;
  const make = (path: string, wanted: object) =>
    created201(callApi(`${server.url}${path}`, { apiKey, body: wanted }));
  await make('/v1/lightning/nodes', { kind: 'embedded' });
  await make('/v1/payout-processors', { kind: 'lightning', intervalSeconds: 0, concurrency: 5 });
  return { id: created.merchant.id, apiKey };
}
