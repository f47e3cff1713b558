import { z } from 'zod';
import { signedIntegerText, timestamp, timestampInput, uuidText } from './fields.ts';
import { pageOf } from './pages.ts';

const accountCode = z.string().meta({ examples: ['merchant:available'] });
const asset = z
  .string()
  .meta({ description: 'BTC counts in msat, an ISO 4217 code in its minor units' });
const kind = z.enum(['asset', 'liability', 'equity', 'income', 'expense']);

export const ledgerAccountSchema = z
  .strictObject({
    code: accountCode,
    asset,
    kind,
    floor: z.boolean().meta({ description: 'Must not go below zero' }),
  })
  .meta({ id: 'LedgerAccount' });
export type LedgerAccount = z.infer<typeof ledgerAccountSchema>;

export const ledgerBalanceSchema = ledgerAccountSchema
  .extend({
    posted: signedIntegerText.meta({ description: 'Positive on the side where its kind grows' }),
    available: signedIntegerText.meta({ description: 'Posted less what is pending against it' }),
    debitsPosted: signedIntegerText,
    creditsPosted: signedIntegerText,
    debitsPending: signedIntegerText,
    creditsPending: signedIntegerText,
  })
  .meta({ id: 'LedgerBalance' });
export type LedgerBalance = z.infer<typeof ledgerBalanceSchema>;

export const ledgerBalanceQuerySchema = z.strictObject({
  as_of: timestampInput.optional().meta({ description: 'Balances as they were then' }),
});
export const ledgerAccountsSchema = z
  .strictObject({ data: z.array(ledgerAccountSchema) })
  .meta({ id: 'LedgerAccounts' });
export const ledgerBalancesSchema = z
  .strictObject({ asOf: timestamp, data: z.array(ledgerBalanceSchema) })
  .meta({ id: 'LedgerBalances' });

export const ledgerTransferSchema = z
  .strictObject({
    id: uuidText,
    sequence: signedIntegerText.meta({ description: 'Place in your journal: 1, 2, 3 …' }),
    template: z.string().meta({ description: 'The business event that it books' }),
    phase: z.enum(['single', 'pending', 'post', 'void']),
    pendingId: uuidText.nullable().meta({ description: 'What a post or void resolves' }),
    effectiveAt: timestamp,
    recordedAt: timestamp,
    reference: z.record(z.string(), z.string()),
    legs: z.array(
      z.strictObject({
        account: accountCode,
        asset,
        direction: z.enum(['debit', 'credit']),
        amount: signedIntegerText,
      }),
    ),
    prevHash: z.string().meta({ description: 'SHA-256 of the entry before, hexadecimal' }),
    hash: z.string(),
  })
  .meta({ id: 'LedgerTransfer' });
export type LedgerTransfer = z.infer<typeof ledgerTransferSchema>;

export const ledgerTransferPageSchema = pageOf(ledgerTransferSchema).meta({
  id: 'LedgerTransferPage',
});
