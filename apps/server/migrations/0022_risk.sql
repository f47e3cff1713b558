-- Risk: where payments came from is looked at before they count (docs/adr/0016-compliance.md).

-- See PaymentHold in receiving/payments.
ALTER TABLE payment ADD COLUMN hold text NOT NULL DEFAULT 'none'
  CHECK (hold IN ('none', 'shadow', 'screening', 'held', 'frozen', 'returnable'));
-- Both indexes are empty for stores without risk.
CREATE INDEX payment_to_screen ON payment (first_seen_at)
  WHERE hold IN ('shadow', 'screening');
CREATE INDEX payment_withheld ON payment (txid, vout)
  WHERE hold IN ('screening', 'held', 'frozen');

-- Of all that arrived for an order, what is looked at, held or frozen.
ALTER TABLE orders ADD COLUMN review_sats bigint NOT NULL DEFAULT 0 CHECK (review_sats >= 0);

-- Whether a payment comes from an address that a refund was paid to.
CREATE INDEX refund_by_address ON refund (merchant_id, address) WHERE address IS NOT NULL;
