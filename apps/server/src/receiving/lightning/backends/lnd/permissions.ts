import { LndRefusal, type LndRest } from './rest.ts';
import { macaroonCheckShape } from './shapes.ts';

/** A call of LND and the right that it needs (rpcserver.go, MainRPCServerPermissions). */
type Right = { readonly uri: string; readonly entity: string; readonly action: string };

const right = (uri: string, operation: string): Right => {
  const [entity = '', action = ''] = operation.split(':');
  return { uri, entity, action };
};

/** What receiving needs. README.md has the commands that bake such macaroons. */
export const receivingRights: readonly Right[] = [
  right('/lnrpc.Lightning/GetInfo', 'info:read'),
  right('/lnrpc.Lightning/AddInvoice', 'invoices:write'),
  right('/lnrpc.Lightning/LookupInvoice', 'invoices:read'),
  right('/lnrpc.Lightning/ListInvoices', 'invoices:read'),
  right('/lnrpc.Lightning/SubscribeInvoices', 'invoices:read'),
  right('/invoicesrpc.Invoices/AddHoldInvoice', 'invoices:write'),
  right('/invoicesrpc.Invoices/CancelInvoice', 'invoices:write'),
  right('/invoicesrpc.Invoices/SettleInvoice', 'invoices:write'),
  right('/invoicesrpc.Invoices/SubscribeSingleInvoice', 'invoices:read'),
  right('/lnrpc.Lightning/ListPayments', 'offchain:read'),
  right('/routerrpc.Router/TrackPaymentV2', 'offchain:read'),
  right('/routerrpc.Router/TrackPayments', 'offchain:read'),
  right('/lnrpc.Lightning/ListChannels', 'offchain:read'),
  right('/lnrpc.Lightning/ChannelBalance', 'offchain:read'),
  right('/lnrpc.Lightning/WalletBalance', 'onchain:read'),
];

/** What paying needs beyond that. The last two are for reading why no route was found. */
export const payingRights: readonly Right[] = [
  right('/routerrpc.Router/SendPaymentV2', 'offchain:write'),
  right('/lnrpc.Lightning/DecodePayReq', 'offchain:read'),
  right('/lnrpc.Lightning/QueryRoutes', 'info:read'),
];

/** Nobody gives these to Quittance on purpose: they move coins, close channels or make macaroons. */
const tooMuch: readonly Right[] = [
  right('/lnrpc.Lightning/SendCoins', 'onchain:write'),
  right('/lnrpc.Lightning/BakeMacaroon', 'macaroon:generate'),
];

export type MacaroonReport = {
  /** Calls that the macaroon may not make. Null: it may not even ask. */
  readonly missing: readonly string[] | null;
  /** Calls that it may make and should not. */
  readonly excessive: readonly string[];
};

/**
 * Asks LND what the macaroon may do, without doing any of it. The question itself needs
 * `uri:/lnrpc.Lightning/CheckMacaroonPermissions` (or `macaroon:read`).
 * @throws {LightningNodeError} `unreachable`
 */
export async function checkMacaroon(
  rest: LndRest,
  macaroonHex: string,
  needed: readonly Right[] = [...receivingRights, ...payingRights],
): Promise<MacaroonReport> {
  const macaroon = Buffer.from(macaroonHex, 'hex').toString('base64');
  const allows = async ({ uri, entity, action }: Right): Promise<boolean> => {
    const body = { macaroon, permissions: [{ entity, action }], fullMethod: uri };
    try {
      return (await rest.post('/v1/macaroon/checkpermissions', body, macaroonCheckShape)).valid;
    } catch (error) {
      if (error instanceof LndRefusal && error.grpcCode === INVALID_ARGUMENT) return false;
      throw error;
    }
  };
  try {
    const missing: string[] = [];
    for (const one of needed) if (!(await allows(one))) missing.push(one.uri);
    const excessive: string[] = [];
    for (const one of tooMuch) if (await allows(one)) excessive.push(one.uri);
    return { missing, excessive };
  } catch (error) {
    if (error instanceof LndRefusal) return { missing: null, excessive: [] };
    throw error;
  }
}

/** The answer of the check for a right that is not there. */
const INVALID_ARGUMENT = 3;
