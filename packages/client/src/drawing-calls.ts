import type {
  Card,
  CardState,
  CreateCard,
  CreatedCard,
  CreatedPullPayment,
  CreateLightningAddress,
  CreatePullPaymentInput,
  Draw,
  DrawState,
  LightningAddressJson,
  Page,
  PullPayment,
  PullPaymentState,
  UpdateCard,
  UpdateLightningAddress,
  WipedCard,
} from '@quittance/contract';
import { type PageRequest, step, toPageQuery } from './paths.ts';
import type { Call, CallOptions } from './transport.ts';

type Calls = {
  get: <A>(path: string, query?: Call['query']) => Promise<A>;
  post: <A>(path: string, body: unknown, options?: CallOptions) => Promise<A>;
  patch: <A>(path: string, body: unknown) => Promise<A>;
};

/** What pays or is paid by itself: pull payments, cards, Lightning addresses. */
export function drawingCalls({ get, post, patch }: Calls) {
  const pulls = '/v1/pull-payments';
  const cards = '/v1/cards';
  const addresses = '/v1/lightning-addresses';
  return {
    pullPayments: {
      /** The answer's links are shown once: who has one can draw. */
      create: (pull: CreatePullPaymentInput, options?: CallOptions) =>
        post<CreatedPullPayment>(pulls, pull, options),
      read: (id: string) => get<PullPayment>(`${pulls}/${step(id)}`),
      list: (page: PageRequest & { state?: PullPaymentState } = {}) =>
        get<Page<PullPayment>>(pulls, { ...toPageQuery(page), state: page.state }),
      draws: (id: string, page: PageRequest & { state?: DrawState; cardId?: string } = {}) =>
        get<Page<Draw>>(`${pulls}/${step(id)}/draws`, {
          ...toPageQuery(page),
          state: page.state,
          card_id: page.cardId,
        }),
      approve: (id: string, options?: CallOptions) =>
        post<PullPayment>(`${pulls}/${step(id)}/approve`, undefined, options),
      /** Ends it for good. */
      archive: (id: string, options?: CallOptions) =>
        post<PullPayment>(`${pulls}/${step(id)}/archive`, undefined, options),
      /** The old link is worth nothing from then on. */
      newLink: (id: string, options?: CallOptions) =>
        post<CreatedPullPayment>(`${pulls}/${step(id)}/new-link`, undefined, options),
    },
    cards: {
      /** The answer's programming link is shown once: who has it gets the chip's keys. */
      create: (card: CreateCard, options?: CallOptions) => post<CreatedCard>(cards, card, options),
      read: (id: string) => get<Card>(`${cards}/${step(id)}`),
      list: (page: PageRequest & { state?: CardState } = {}) =>
        get<Page<Card>>(cards, { ...toPageQuery(page), state: page.state }),
      /** Freezes, thaws, changes name and limits. */
      update: (id: string, change: UpdateCard) => patch<Card>(`${cards}/${step(id)}`, change),
      /** Ends the card for good and gives its keys, to empty the chip. */
      wipe: (id: string, options?: CallOptions) =>
        post<WipedCard>(`${cards}/${step(id)}/wipe`, undefined, options),
      newProgrammingLink: (id: string, options?: CallOptions) =>
        post<CreatedCard>(`${cards}/${step(id)}/programming-link`, undefined, options),
    },
    lightningAddresses: {
      /** The name is yours for ever. */
      create: (address: CreateLightningAddress, options?: CallOptions) =>
        post<LightningAddressJson>(addresses, address, options),
      read: (id: string) => get<LightningAddressJson>(`${addresses}/${step(id)}`),
      list: (page: PageRequest = {}) =>
        get<Page<LightningAddressJson>>(addresses, toPageQuery(page)),
      update: (id: string, change: UpdateLightningAddress) =>
        patch<LightningAddressJson>(`${addresses}/${step(id)}`, change),
    },
  };
}
