import type {
  ConnectLightningNode,
  CreateLightningInvoice,
  LightningInvoiceJson as LightningInvoice,
  LightningNodeDetail,
  ConnectedLightningNode,
  LightningNodeJson as LightningNode,
  Page,
} from '@quittance/contract';
import { type PageRequest, step, toPageQuery } from './paths.ts';
import type { Call, CallOptions } from './transport.ts';

type Calls = {
  get: <A>(path: string, query?: Call['query']) => Promise<A>;
  post: <A>(path: string, body: unknown, options?: CallOptions) => Promise<A>;
  remove: <A>(path: string) => Promise<A>;
};

/** Receiving by Lightning: the store's node, and invoices that belong to no order. */
export function lightningCalls({ get, post, remove }: Calls) {
  const nodes = '/v1/lightning/nodes';
  const invoices = '/v1/lightning/invoices';
  return {
    lightningNodes: {
      /** The node is tried before it is stored; its credentials are never given out again. */
      connect: (node: ConnectLightningNode, options?: CallOptions) =>
        post<ConnectedLightningNode>(nodes, node, options),
      list: (page: PageRequest = {}) => get<Page<LightningNode>>(nodes, toPageQuery(page)),
      /** Asks the node now; red with the age of what was read last when it does not answer. */
      read: (id: string) => get<LightningNodeDetail>(`${nodes}/${step(id)}`),
      /** Books what explains a difference between node and book, such as a channel's fee. */
      adjust: (id: string, change: { changeMsat: string; reason: string }, options?: CallOptions) =>
        post<{ transferId: string; changeMsat: string; reason: string }>(
          `${nodes}/${step(id)}/adjustments`,
          change,
          options,
        ),
      /** Possible once none of its invoices can be paid any more. */
      disconnect: (id: string) => remove<LightningNode>(`${nodes}/${step(id)}`),
    },
    lightningInvoices: {
      create: (invoice: CreateLightningInvoice, options?: CallOptions) =>
        post<LightningInvoice>(invoices, invoice, options),
      read: (id: string) => get<LightningInvoice>(`${invoices}/${step(id)}`),
      list: (page: PageRequest & { state?: LightningInvoice['state']; orderId?: string } = {}) =>
        get<Page<LightningInvoice>>(invoices, {
          ...toPageQuery(page),
          state: page.state,
          order_id: page.orderId,
        }),
      /** Takes a held payment. */
      settle: (id: string, preimage: string, options?: CallOptions) =>
        post<LightningInvoice>(`${invoices}/${step(id)}/settle`, { preimage }, options),
      /** Gives an invoice up, or sends a held payment back. */
      cancel: (id: string, options?: CallOptions) =>
        post<LightningInvoice>(`${invoices}/${step(id)}/cancel`, undefined, options),
    },
  };
}
