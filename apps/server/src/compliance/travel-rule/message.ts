import { decodeBolt11 } from '@quittance/bitcoin';
import type { Ivms101, IvmsPerson, TravelSettings } from '@quittance/contract';
import { formatBtc } from '@quittance/kernel';

/** Version of the Travel Rule Protocol that is spoken here (OpenVASP). */
export const TRP_VERSION = '3.2.1';
/** Bitcoin in SLIP-0044. */
const BITCOIN = 0;

/** The message of a payout to another provider's customer, in the form of 2020 that TRP carries. */
export function composeMessage(
  settings: TravelSettings,
  given: {
    originator: IvmsPerson | undefined;
    beneficiary: IvmsPerson;
    provider: IvmsPerson | undefined;
    /** What names the payment at the other provider; null: nothing that fits does. */
    account: string | null;
  },
): Ivms101 {
  const { originator = settings.vasp, beneficiary, provider, account } = given;
  const accountNumber = account === null ? {} : { accountNumber: [account] };
  return {
    originator: { originatorPersons: [originator] },
    beneficiary: { beneficiaryPersons: [beneficiary], ...accountNumber },
    originatingVASP: { originatingVASP: settings.vasp },
    ...(provider === undefined ? {} : { beneficiaryVASP: { beneficiaryVASP: provider } }),
  };
}

/** IVMS101's accountNumber has no more characters (Max100Text). */
const MAX_ACCOUNT = 100;

/**
 * What names a payment in the message. An invoice is too long for it: its payment hash names it as
 * well, and no other one. Of an LNURL or an offer that is too long nothing does.
 */
export function accountOf(destination: string): string | null {
  const invoice = decodeBolt11(destination);
  if (invoice.ok) return invoice.invoice.paymentHash;
  return destination.length <= MAX_ACCOUNT ? destination : null;
}

/** TRP's inquiry as it is sent: its amount is a JSON number, written from exact satoshis. */
export function inquiryBody(given: {
  message: Ivms101;
  amountSats: bigint;
  callback: string;
}): string {
  const { message, amountSats, callback } = given;
  const rest = JSON.stringify({ callback, IVMS101: message });
  return `{"asset":{"slip0044":${BITCOIN}},"amount":${formatBtc(amountSats)},${rest.slice(1)}`;
}

const AMOUNT = /^(?<whole>[0-9]{1,8})(?:\.(?<rest>[0-9]{1,8}))?0*$/;

/** Satoshis of an inquiry's amount of bitcoin; null: it is none, or more exact than bitcoin is. */
export function satsOf(amount: string): bigint | null {
  const parts = AMOUNT.exec(amount)?.groups ?? scientific(amount);
  if (parts === null) return null;
  const sats = BigInt((parts['whole'] ?? '0') + (parts['rest'] ?? '').padEnd(8, '0'));
  return sats > 0n && sats <= 2_100_000_000_000_000n ? sats : null;
}

/** Writers of JSON shorten small numbers: 2.1e-5. */
function scientific(amount: string): Record<string, string> | null {
  const found = /^(?<digit>[0-9])(?:\.(?<digits>[0-9]{1,7}))?[eE]-(?<places>[1-8])$/.exec(
    amount,
  )?.groups;
  if (found === undefined) return null;
  const digits = `${found['digit'] ?? ''}${found['digits'] ?? ''}`;
  const rest = digits.padStart(digits.length + Number(found['places']) - 1, '0');
  return rest.length > 8 ? null : { whole: '0', rest };
}

/** Whether an inquiry is about bitcoin, by either of TRP's names for it. */
export function isBitcoin(asset: {
  slip0044?: string | number | undefined;
  dti?: string | undefined;
}): boolean {
  // The Digital Token Identifier of Bitcoin (ISO 24165).
  return String(asset.slip0044 ?? '') === String(BITCOIN) || asset.dti === '4H95J0R2X';
}
