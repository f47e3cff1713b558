-- Out of everybody's reach until it is decided about, or for good: isWithheld of receiving/payments,
-- said once for all that reads payments. A coin of such a payment is not spent, nor is it refundable.
ALTER TABLE payment ADD COLUMN withheld boolean NOT NULL
  GENERATED ALWAYS AS (hold IN ('screening', 'held', 'frozen')) STORED;
DROP INDEX payment_withheld;
CREATE INDEX payment_withheld ON payment (txid, vout) WHERE withheld;
