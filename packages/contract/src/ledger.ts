import { z } from 'zod';
import { signedIntegerText, timestamp, timestampInput, uuidText } from './fields.ts';
import { pageOf } from './pages.ts';

const asset = z.string().meta({ description: 'BTC counts in msat, fiat in minor units' });

export const ledgerAccountSchema = z
  .strictObject({ id: uuidText, name: z.string(), asset })
  .meta({ id: 'LedgerAccount' });
export type LedgerAccount = z.infer<typeof ledgerAccountSchema>;

export const ledgerBalanceSchema = z
  .strictObject({
    account: z.string(),
    asset,
    posted: signedIntegerText,
    pending: signedIntegerText,
  })
  .meta({ id: 'LedgerBalance' });
export type LedgerBalance = z.infer<typeof ledgerBalanceSchema>;

export const ledgerBalanceQuerySchema = z.strictObject({
  as_of: timestampInput.optional().meta({ description: 'Balances as they were then' }),
});
export const ledgerBalancesSchema = z
  .strictObject({ asOf: timestamp, data: z.array(ledgerBalanceSchema) })
  .meta({ id: 'LedgerBalances' });

export const ledgerTransferSchema = z
  .strictObject({
    id: uuidText,
    kind: z.string(),
    state: z.enum(['pending', 'posted', 'voided']),
    createdAt: timestamp,
    orderId: uuidText.nullable(),
    legs: z.array(z.strictObject({ account: z.string(), asset, amount: signedIntegerText })),
  })
  .meta({ id: 'LedgerTransfer' });
export type LedgerTransfer = z.infer<typeof ledgerTransferSchema>;

export const ledgerAccountPageSchema = pageOf(ledgerAccountSchema).meta({
  id: 'LedgerAccountPage',
});
export const ledgerTransferPageSchema = pageOf(ledgerTransferSchema).meta({
  id: 'LedgerTransferPage',
});
