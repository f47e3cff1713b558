import { z } from 'zod';

/** A rune with some dozens of alternatives has about a kilobyte. */
const MAX_RUNE_LENGTH = 8_192;

/** What an operator gives to connect a Core Lightning node. `rune` is a secret. */
export const clnConnectionSchema = z.strictObject({
  /** `https://host:3010`: where the plugin clnrest listens. */
  url: z.url({ protocol: /^https?$/ }),
  rune: z
    .string()
    .max(MAX_RUNE_LENGTH)
    .regex(/^[\w-]{40,}={0,2}$/),
  /** PEM text or SHA-256 fingerprint of clnrest's certificate, or its `ca.pem`. */
  certificate: z.string().nullable().default(null),
});
export type ClnConnection = z.infer<typeof clnConnectionSchema>;
