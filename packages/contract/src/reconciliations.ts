import { z } from 'zod';
import { signedIntegerText, timestamp, txidText, uuidText } from './fields.ts';

export const createReconciliationSchema = z
  .strictObject({
    node: z
      .boolean()
      .default(false)
      .meta({
        description:
          'Also compare with the node’s own set of coins, as far as blocks go. On the main network ' +
          'the node takes minutes for it',
      }),
  })
  .meta({ id: 'CreateReconciliation' });

const explainedSchema = z
  .strictObject({
    kind: z.enum(['spend_not_on_record', 'spend_not_booked', 'spend_replaced']),
    spendId: uuidText,
    txid: txidText,
    sats: signedIntegerText,
  })
  .meta({ id: 'ExplainedDifference' });

const breakSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('transaction'),
      txid: txidText,
      chainSats: signedIntegerText,
      bookedSats: signedIntegerText,
    }),
    z.strictObject({
      kind: z.literal('transfer'),
      transferId: uuidText,
      template: z.string(),
      sats: signedIntegerText,
    }),
    z.strictObject({
      kind: z.enum(['coin_only_at_node', 'coin_only_on_record']),
      txid: txidText,
      vout: z.int().min(0),
      sats: signedIntegerText,
    }),
    z.strictObject({ kind: z.literal('unexplained'), sats: signedIntegerText }),
    z.strictObject({ kind: z.literal('fraction'), msats: signedIntegerText }),
  ])
  .meta({ id: 'ReconciliationBreak' });

const lightningComparison = z
  .strictObject({
    lightningNodeId: uuidText,
    state: z.enum(['ok', 'break', 'unreadable']),
    bookMsat: signedIntegerText.nullable().meta({ description: 'lightning.channels in the book' }),
    nodeMsat: signedIntegerText
      .nullable()
      .meta({ description: "The node's channels, with what is in flight outwards" }),
    differenceMsat: signedIntegerText.nullable().meta({ description: 'Book less node' }),
    reason: z.string().nullable(),
    checkedAt: timestamp,
  })
  .meta({ id: 'LightningComparison' });

export const reconciliationSchema = z
  .strictObject({
    id: uuidText,
    state: z.enum(['ok', 'break', 'unreadable']).meta({
      description: 'unreadable: a source could not be read, so nothing is known',
    }),
    node: z.enum(['not_asked', 'equal', 'different', 'unreadable']),
    ledgerSats: signedIntegerText.nullable().meta({ description: 'What the book says' }),
    coinSats: signedIntegerText.nullable().meta({ description: 'What unspent coins hold' }),
    explainedSats: signedIntegerText.nullable().meta({
      description: 'What booked spends take out that the chain’s record does not have yet',
    }),
    differenceSats: signedIntegerText.nullable().meta({
      description: 'Book less (coins less explained)',
    }),
    explained: z.array(explainedSchema),
    breaks: z.array(breakSchema),
    lightning: lightningComparison.nullable().meta({
      description: 'The store’s Lightning node against the book; null where there is none',
    }),
    reason: z.string().nullable().meta({ description: 'Why something could not be read' }),
    createdAt: timestamp.meta({ description: 'Since when the result is the same' }),
    checkedAt: timestamp,
  })
  .meta({ id: 'Reconciliation' });
export type Reconciliation = z.infer<typeof reconciliationSchema>;
