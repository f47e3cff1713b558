-- Refunds (ADR 0013). What of an order's money has been paid back, and what refunds took of the
-- money that was no merchant's yet: facts that receiving/payments keeps beside the payments, since
-- the status and the bookkeeping of the order follow from both.
ALTER TABLE orders
  ADD COLUMN refunded_sats bigint NOT NULL DEFAULT 0 CHECK (refunded_sats >= 0),
  ADD COLUMN refunding_sats bigint NOT NULL DEFAULT 0 CHECK (refunding_sats >= 0),
  ADD COLUMN refund_held_wanted_sats bigint NOT NULL DEFAULT 0
    CHECK (refund_held_wanted_sats >= 0),
  ADD COLUMN refund_excess_wanted_sats bigint NOT NULL DEFAULT 0
    CHECK (refund_excess_wanted_sats >= 0),
  ADD COLUMN refund_held_drawn_sats bigint NOT NULL DEFAULT 0
    CHECK (refund_held_drawn_sats BETWEEN 0 AND refund_held_wanted_sats),
  ADD COLUMN refund_excess_drawn_sats bigint NOT NULL DEFAULT 0
    CHECK (refund_excess_drawn_sats BETWEEN 0 AND refund_excess_wanted_sats),
  ADD COLUMN refund_draw_epoch integer NOT NULL DEFAULT 0;

-- How much of an order the ledger allows to be paid back: the credits of refundable.<order>. Its
-- row is also the lock under which an order's refunds change. It comes with the first refund.
CREATE TABLE refund_cap (
  merchant_id   uuid NOT NULL,
  order_id      uuid NOT NULL,
  credited_sats bigint NOT NULL DEFAULT 0 CHECK (credited_sats >= 0),
  -- Counts the credits and their reversals, so that each has an id of its own.
  epoch         integer NOT NULL DEFAULT 0,
  PRIMARY KEY (merchant_id, order_id),
  FOREIGN KEY (merchant_id, order_id) REFERENCES orders (merchant_id, id)
);
CALL protect_tenant_table('refund_cap');
GRANT SELECT, INSERT, UPDATE ON refund_cap TO quittance_app, quittance_system;

CREATE TABLE refund (
  merchant_id   uuid NOT NULL,
  id            uuid NOT NULL UNIQUE,
  order_id      uuid NOT NULL,
  state         text NOT NULL CHECK (state IN ('PENDING', 'SENT', 'CONFIRMED', 'FAILED',
                  'CANCELLED', 'EXPIRED')),
  -- Why it is where it is: a stable code. null where the state says it all.
  state_reason  text,
  -- The payment that it would return has left the chain: nothing is paid until it is back.
  held          boolean NOT NULL DEFAULT false,
  -- What the merchant writes about it; the customer reads it.
  note          text CHECK (length(note) BETWEEN 1 AND 500),
  mode          text NOT NULL CHECK (mode IN ('full', 'partial', 'overpaid', 'late', 'custom')),
  rate_mode     text NOT NULL CHECK (rate_mode IN ('original', 'current')),
  -- The rate that the amount was reckoned at (LockedRate); null where none was needed.
  rate          jsonb,
  -- What it takes of what the order received, and whose that is in the book.
  basis_sats    bigint NOT NULL CHECK (basis_sats > 0),
  from_merchant_sats bigint NOT NULL CHECK (from_merchant_sats >= 0),
  from_excess_sats   bigint NOT NULL CHECK (from_excess_sats >= 0),
  from_held_sats     bigint NOT NULL CHECK (from_held_sats >= 0),
  -- What is paid: the worth of the basis at its rate, less what the merchant keeps.
  gross_sats    bigint NOT NULL CHECK (gross_sats > 0),
  deduction_sats bigint NOT NULL CHECK (deduction_sats >= 0),
  payout_sats   bigint NOT NULL CHECK (payout_sats > 0),
  -- The same in the order's currency, for people.
  value_currency text NOT NULL,
  value_minor   bigint NOT NULL CHECK (value_minor >= 0),
  fee_from      text NOT NULL CHECK (fee_from IN ('merchant', 'customer')),
  max_fee_share_sats bigint NOT NULL CHECK (max_fee_share_sats >= 0),
  destination   text NOT NULL CHECK (destination IN ('claim', 'address', 'source')),
  proof_required boolean NOT NULL,
  -- Of the link: SHA-256 of its secret, which is nowhere else. null: there is none (any more).
  claim_hash    bytea UNIQUE CHECK (length(claim_hash) = 32),
  claim_expires_at timestamptz,
  address       text,
  script        bytea,
  -- BIP322, over the message that the claim page shows.
  proof         text,
  claimed_at    timestamptz,
  payout_id     uuid,
  txid          bytea CHECK (length(txid) = 32),
  fee_share_sats bigint NOT NULL DEFAULT 0 CHECK (fee_share_sats >= 0),
  -- What the ledger holds for it on refundable.<order>, and how often it was put there.
  cap_state     text NOT NULL CHECK (cap_state IN ('none', 'pending', 'posted')),
  cap_epoch     integer NOT NULL,
  version       integer NOT NULL DEFAULT 1,
  created_by    text NOT NULL,
  created_at    timestamptz NOT NULL,
  sent_at       timestamptz,
  finished_at   timestamptz,
  updated_at    timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, id),
  FOREIGN KEY (merchant_id, order_id) REFERENCES orders (merchant_id, id),
  CHECK (basis_sats = from_merchant_sats + from_excess_sats + from_held_sats),
  CHECK (payout_sats = gross_sats - deduction_sats),
  CHECK ((address IS NULL) = (script IS NULL) AND (address IS NULL) = (claimed_at IS NULL)),
  CHECK (payout_id IS NULL OR address IS NOT NULL),
  CHECK (state NOT IN ('SENT', 'CONFIRMED') OR payout_id IS NOT NULL),
  CHECK (NOT held OR state = 'PENDING'),
  CHECK ((cap_state = 'pending') = (state = 'PENDING' AND NOT held)
     AND (cap_state = 'posted') = (state IN ('SENT', 'CONFIRMED')))
);
CREATE INDEX refund_of_order ON refund (merchant_id, order_id, id);
CREATE INDEX refund_by_state ON refund (merchant_id, state, id);
CREATE INDEX refund_to_expire ON refund (claim_expires_at)
  WHERE state = 'PENDING' AND address IS NULL;
CREATE INDEX refund_held ON refund (id) WHERE held;
CREATE INDEX refund_being_paid ON refund (id) WHERE state = 'PENDING' AND payout_id IS NOT NULL;
CREATE INDEX refund_by_transaction ON refund (txid) WHERE txid IS NOT NULL;
CALL protect_tenant_table('refund');
GRANT SELECT, INSERT, UPDATE ON refund TO quittance_app, quittance_system;
