import type { WebhookEventType } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';

export type EndpointStyle = 'standard' | 'classic';

/** An endpoint as the merchant sees it; its secrets are shown only when they are made. */
export type Endpoint = {
  id: Uuid;
  url: string;
  style: EndpointStyle;
  /** Empty: every type. */
  eventTypes: WebhookEventType[];
  enabled: boolean;
  description: string | null;
  createdAtMs: number;
  restingUntilMs: number | null;
  consecutiveFailures: number;
  /** How many secrets sign: 2 or 3 while keys rotate. */
  secretCount: number;
};

export type DeliveryState = 'pending' | 'delivered' | 'failed';
export type Delivery = {
  id: Uuid;
  endpointId: Uuid;
  eventId: Uuid;
  eventType: string;
  state: DeliveryState;
  attempts: number;
  nextAttemptAtMs: number | null;
  createdAtMs: number;
  finishedAtMs: number | null;
  replayOf: Uuid | null;
  lastStatus: number | null;
  lastError: string | null;
};
export type DeliveryAttempt = {
  number: number;
  startedAtMs: number;
  durationMs: number;
  status: number | null;
  error: string | null;
  response: string | null;
};
