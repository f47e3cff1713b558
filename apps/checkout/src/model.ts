import type { OrderView } from '@quittance/contract';
import type { Messages } from './strings/en.ts';

/** Where the page finds the rest of itself; the server decides on the routes. */
export interface CheckoutPaths {
  /** This page: `/i/{orderId}`. */
  page: string;
  /** The order as JSON: `/i/{orderId}/view`. */
  view: string;
  /** `/i/{orderId}/receipt`. */
  receipt: string;
  /** `/ws/payment?orderId={orderId}`. */
  socket: string;
}

export type CopyTarget = 'address' | 'amount' | 'link' | 'invoice';

/** How somebody wants to pay: any has both in one code (BIP21 with `lightning=`). */
export const payMethods = ['any', 'onchain', 'lightning'] as const;
export type PayMethod = (typeof payMethods)[number];

/** What the script can do for the payer; absent on the server and without JavaScript. */
export interface CheckoutActions {
  copy: (target: CopyTarget) => void;
  choose: (method: PayMethod) => void;
  enlarge: () => void;
  shrink: () => void;
  toggleSound: () => void;
  print: () => void;
}

/** State of one open page that is not the order's. */
export interface PageState {
  copied: CopyTarget | null;
  /** What was chosen; where there is no invoice, the chain is all there is (`methodOf`). */
  method: PayMethod;
  /** Read out by screen readers when it changes. */
  announcement: string;
  soundOn: boolean;
  offline: boolean;
  /** The store's logo could not be loaded: its first letter stands in. */
  logoFailed: boolean;
  /** The server does not know the payer's zone and says UTC; the script says undefined: local. */
  timeZone: 'UTC' | undefined;
}

/** All that a page is drawn from, on the server and in the browser alike. */
export interface PageModel {
  view: OrderView;
  /** The server's time, in milliseconds since the epoch. */
  nowMs: number;
  locale: string;
  messages: Messages;
  paths: CheckoutPaths;
  state: PageState;
  actions: CheckoutActions | null;
}

export const initialState: PageState = {
  copied: null,
  method: 'any',
  announcement: '',
  soundOn: true,
  offline: false,
  logoFailed: false,
  timeZone: 'UTC',
};

/** The JSON that a page carries for its script. */
export interface PageData {
  page: 'checkout' | 'receipt';
  view: OrderView;
  method: PayMethod;
  locale: string;
  messages: Messages;
  paths: CheckoutPaths;
}

/** The method that a page shows. */
export function methodOf({ view, state }: Pick<PageModel, 'view' | 'state'>): PayMethod {
  return view.lightning === null ? 'onchain' : state.method;
}

export const DATA_ELEMENT_ID = 'quittance-data';
export const ROOT_ELEMENT_ID = 'quittance';
export const QR_DIALOG_ID = 'quittance-qr';
