import type { WebhookEventType } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** Something that became true, to be recorded in the transaction that makes it true. */
export type NewEvent = {
  merchantId: Uuid;
  id: Uuid;
  type: WebhookEventType;
  orderId: Uuid | null;
  /** OrderEventData (contract) for `order.*`; amounts in it are strings. */
  data: JsonObject;
  createdAtMs: number;
};

export type RecordedEvent = Omit<NewEvent, 'merchantId'>;
