/** Something that is known about the other side of a movement at the time it was taken in. */
export type Mark = {
  /** A category of a label or list ("mixer", "sanctions"), or "country". */
  readonly kind: string;
  /** What exactly: a list and its version, a label, the country's code. */
  readonly about: string;
};

/**
 * Money that came from or went to a party for certain, with every fact that a rule may use as it was
 * at that time. Rules see nothing else, so that history read again gives the same alerts.
 */
export type Movement = {
  /** Its place in the store's record, from 1: a later one has a greater number. */
  readonly seq: number;
  /** Names the payment or payout; once taken out it can come back as another movement. */
  readonly id: string;
  /** Never before the movement that was taken in before it, of the same store. */
  readonly atMs: number;
  readonly direction: 'in' | 'out';
  /** Whose money it is, as "customer:…", "address:…" and the like. */
  readonly party: string;
  /** The other side; null where nobody knows, such as the payer over Lightning. */
  readonly counterparty: string | null;
  /**
   * The other side serves many strangers (an exchange): sharing its addresses links nobody, and
   * money that comes back through it has not come back.
   */
  readonly isService: boolean;
  /** In the configuration's currency at the rate of its time; null when no such rate is known. */
  readonly amountMinor: bigint | null;
  /** It was priced in a fiat currency. */
  readonly isFiatLeg: boolean;
  /** What two parties may have in common: addresses, documents, a link that a person made. */
  readonly links: readonly string[];
  readonly marks: readonly Mark[];
};
