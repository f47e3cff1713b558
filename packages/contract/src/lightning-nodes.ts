import { z } from 'zod';
import { personText, timestamp, uuidText } from './fields.ts';
import { lightningNodeKinds } from './lightning.ts';
import { pageOf, pageQuerySchema } from './pages.ts';

/** An address with the port, as node software listens: never longer. */
const MAX_URL_LENGTH = 500;
/** PEM of a chain of three certificates with RSA keys. */
const MAX_CERTIFICATE_LENGTH = 12_000;
/** A macaroon with many caveats, or a rune. */
const MAX_CREDENTIAL_LENGTH = 4_000;

/** Whole millisatoshis as text, so that no reader takes them for a float. */
export const msatText = z
  .string()
  .max(40)
  .regex(/^(0|[1-9][0-9]*)$/, 'write whole millisatoshis as text such as "150000000"')
  .meta({ description: 'Whole millisatoshis, as text', examples: ['150000000'] });

export const paymentHashText = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'write 64 lower-case hexadecimal digits')
  .meta({ description: 'Payment hash of an invoice, hexadecimal' });

const nodeUrl = z
  .url({ protocol: /^https?$/, error: 'write an address such as "https://node.example:8080"' })
  .max(MAX_URL_LENGTH)
  .meta({ description: 'Where the node answers', examples: ['https://node.example:8080'] });

/** PEM, or the SHA-256 fingerprint as tools print it. */
const CERTIFICATE =
  /^(-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s-]+-----END CERTIFICATE-----\s*|[0-9A-Fa-f]{2}(:?[0-9A-Fa-f]{2}){31})$/;

const certificate = z
  .string()
  .max(MAX_CERTIFICATE_LENGTH)
  .regex(CERTIFICATE, 'write PEM or a SHA-256 fingerprint')
  .optional()
  .meta({
    description:
      "The node's own certificate, pinned: PEM or its SHA-256 fingerprint. Absent: a public one is " +
      'needed',
  });

const credential = (what: string) =>
  z
    .string()
    .min(1)
    .max(MAX_CREDENTIAL_LENGTH)
    .regex(/^[\x21-\x7e]+$/, 'printable ASCII without spaces')
    .meta({ description: what });

export const connectLightningNodeSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('lnd'),
      url: nodeUrl,
      certificate,
      macaroon: credential('Hexadecimal or base64. docs/lightning.md lists the rights it needs'),
    }),
    z.strictObject({
      kind: z.literal('cln'),
      url: nodeUrl,
      certificate,
      rune: credential('Rune of commando; docs/lightning.md lists the methods it needs'),
    }),
    z.strictObject({
      kind: z.literal('nwc'),
      connectionUri: credential('nostr+walletconnect://… (NIP-47)'),
    }),
    z.strictObject({ kind: z.literal('embedded') }),
  ])
  .meta({
    id: 'ConnectLightningNode',
    description:
      'embedded: the node that the server itself has started; for tests and demonstrations on ' +
      'regtest alone. Credentials are never given out again',
  });
export type ConnectLightningNode = z.infer<typeof connectLightningNodeSchema>;

const health = z
  .strictObject({
    state: z.enum(['green', 'red']).meta({
      description: 'red: it can not be read now; what is shown besides is as old as it says',
    }),
    problem: z.string().nullable(),
    since: timestamp.nullable().meta({ description: 'Since when it can not be read' }),
    readAt: timestamp.nullable().meta({ description: 'When it was read the last time' }),
    ageSeconds: z.int().min(0).nullable().meta({ description: 'How old balances are' }),
  })
  .meta({ id: 'LightningNodeHealth' });

const balances = z
  .strictObject({
    channelsMsat: msatText.meta({ description: 'Ours in open channels' }),
    inFlightMsat: msatText.meta({ description: 'Of payments whose outcome is open' }),
    sendableMsat: msatText,
    receivableMsat: msatText,
    onchainSats: z.string(),
  })
  .meta({ id: 'LightningBalances' });

export const lightningNodeSchema = z
  .strictObject({
    id: uuidText,
    kind: z.enum(lightningNodeKinds),
    network: z.string(),
    nodeId: z.string().meta({ description: "The node's public key, hexadecimal" }),
    alias: z.string(),
    url: z.string().nullable(),
    active: z.boolean(),
    health,
    balances: balances.nullable().meta({ description: 'null: never read' }),
    createdAt: timestamp,
    removedAt: timestamp.nullable(),
  })
  .meta({ id: 'LightningNode' });
export type LightningNodeJson = z.infer<typeof lightningNodeSchema>;

/** The answer to connecting one. */
export const connectedLightningNodeSchema = lightningNodeSchema
  .extend({
    warnings: z.array(z.string()).meta({
      description: 'What is better mended, such as credentials that allow more than is needed',
    }),
  })
  .meta({ id: 'ConnectedLightningNode' });
export type ConnectedLightningNode = z.infer<typeof connectedLightningNodeSchema>;

const channel = z
  .strictObject({
    id: z.string(),
    shortChannelId: z.string().nullable(),
    peerId: z.string(),
    active: z.boolean(),
    public: z.boolean(),
    capacityMsat: msatText,
    localMsat: msatText,
    remoteMsat: msatText,
    sendableMsat: msatText,
    receivableMsat: msatText,
  })
  .meta({ id: 'LightningChannel' });

/** With what the node says of itself now; null where it can not be read. */
export const lightningNodeDetailSchema = lightningNodeSchema
  .extend({
    capabilities: z
      .strictObject({
        holdInvoices: z.boolean(),
        offers: z.boolean(),
        keysend: z.boolean(),
        descriptionHash: z.boolean(),
        channels: z.boolean(),
        feeLimit: z.boolean(),
      })
      .nullable(),
    info: z
      .strictObject({
        blockHeight: z.int().min(0),
        synced: z.boolean().meta({ description: 'false while it catches up with the chain' }),
        version: z.string(),
        uris: z.array(z.string()),
      })
      .nullable(),
    channels: z.array(channel).nullable(),
  })
  .meta({ id: 'LightningNodeDetail' });
export type LightningNodeDetail = z.infer<typeof lightningNodeDetailSchema>;

export const lightningNodeListQuerySchema = pageQuerySchema;
export const lightningNodePageSchema = pageOf(lightningNodeSchema).meta({
  id: 'LightningNodePage',
});

/** Long enough for a sentence or two. */
const MAX_REASON_LENGTH = 300;

export const adjustLightningNodeSchema = z
  .strictObject({
    changeMsat: z
      .string()
      .max(40)
      .regex(/^-?[1-9][0-9]*$/, 'write whole millisatoshis as text, such as "-1500"')
      .meta({
        description: 'How much more (or, negative, less) the channels hold than the book says',
      }),
    reason: personText({ min: 1, max: MAX_REASON_LENGTH }).meta({
      description: 'What explains it, for whoever reads the book',
      examples: ['Fee of opening a channel'],
    }),
  })
  .meta({ id: 'AdjustLightningNode' });

export const adjustedLightningNodeSchema = z
  .strictObject({
    transferId: uuidText,
    changeMsat: z.string(),
    reason: z.string(),
  })
  .meta({ id: 'LightningAdjustment' });
