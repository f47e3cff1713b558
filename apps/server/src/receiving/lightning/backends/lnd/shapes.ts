import { z } from 'zod';
import { int64 } from '../remote/exact-json.ts';

/** The parts that we use of what LND answers (lightning.proto, router.proto of v0.20). */

/** Bytes are base64 in LND's REST interface. We write hexadecimal. */
const bytes = z.base64().transform((text) => Buffer.from(text, 'base64').toString('hex'));
const amount = z.object({ msat: int64 });

export const nothing = z.looseObject({});

export const infoShape = z.object({
  identity_pubkey: z.string(),
  alias: z.string(),
  version: z.string(),
  block_height: z.number(),
  synced_to_chain: z.boolean(),
  uris: z.array(z.string()).default([]),
  chains: z.array(z.object({ network: z.string() })).min(1),
});

export const addedInvoiceShape = z.object({ r_hash: bytes });

export const invoiceShape = z.object({
  r_hash: bytes,
  r_preimage: bytes.nullish(),
  payment_request: z.string(),
  value_msat: int64,
  creation_date: int64,
  settle_date: int64,
  expiry: int64,
  add_index: int64,
  settle_index: int64,
  amt_paid_msat: int64,
  state: z.enum(['OPEN', 'SETTLED', 'CANCELED', 'ACCEPTED']),
});
export type LndInvoice = z.infer<typeof invoiceShape>;

export const invoicePageShape = z.object({
  invoices: z.array(invoiceShape),
  last_index_offset: int64,
});

const hopShape = z.object({ chan_id: int64, pub_key: z.string() });
const attemptShape = z.object({
  status: z.enum(['IN_FLIGHT', 'SUCCEEDED', 'FAILED']),
  resolve_time_ns: int64,
  route: z.object({ hops: z.array(hopShape) }).nullish(),
  failure: z.object({ code: z.string(), failure_source_index: z.number().default(0) }).nullish(),
});
export type LndAttempt = z.infer<typeof attemptShape>;

export const paymentShape = z.object({
  payment_hash: z.string(),
  payment_preimage: z.string(),
  payment_request: z.string(),
  value_msat: int64,
  fee_msat: int64,
  status: z.enum(['UNKNOWN', 'IN_FLIGHT', 'SUCCEEDED', 'FAILED', 'INITIATED']),
  creation_time_ns: int64,
  payment_index: int64,
  failure_reason: z.string().default('FAILURE_REASON_NONE'),
  htlcs: z.array(attemptShape).default([]),
});
export type LndPayment = z.infer<typeof paymentShape>;

export const paymentPageShape = z.object({
  payments: z.array(paymentShape),
  last_index_offset: int64,
});

const constraints = z.object({ chan_reserve_sat: int64, dust_limit_sat: int64 }).nullish();
export const channelsShape = z.object({
  channels: z
    .array(
      z.object({
        active: z.boolean(),
        remote_pubkey: z.string(),
        channel_point: z.string(),
        chan_id: int64,
        capacity: int64,
        local_balance: int64,
        remote_balance: int64,
        commit_fee: int64,
        fee_per_kw: int64,
        commitment_type: z.string(),
        initiator: z.boolean(),
        private: z.boolean(),
        local_constraints: constraints,
        remote_constraints: constraints,
        pending_htlcs: z
          .array(z.object({ incoming: z.boolean(), amount: int64, forwarding_channel: int64 }))
          .default([]),
      }),
    )
    .default([]),
});
export type LndChannel = z.infer<typeof channelsShape>['channels'][number];

export const channelBalanceShape = z.object({
  local_balance: amount,
  unsettled_remote_balance: amount,
});
export const walletBalanceShape = z.object({ total_balance: int64 });

export const payReqShape = z.object({
  destination: z.string(),
  route_hints: z
    .array(
      z.object({
        hop_hints: z.array(
          z.object({
            node_id: z.string(),
            fee_base_msat: z.number(),
            fee_proportional_millionths: z.number(),
          }),
        ),
      }),
    )
    .default([]),
});

export const routesShape = z.object({
  routes: z.array(z.object({ total_fees_msat: int64 })).default([]),
});

export const macaroonCheckShape = z.object({ valid: z.boolean() });
