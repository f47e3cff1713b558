-- Payouts over Lightning (ADR 0014). The same machine as on chain up to approval; from there a payout
-- has attempts instead of a spend.
ALTER TABLE payout
  ADD COLUMN amount_msat bigint,
  ADD COLUMN destination_kind text NOT NULL DEFAULT 'address' CHECK (destination_kind IN
    ('address', 'bolt11', 'lightning_address', 'lnurl', 'bolt12')),
  -- When the destination's invoice, or its offer, can not be paid any more.
  ADD COLUMN expires_at timestamptz,
  -- What is reserved for the fees of the route, and what they were.
  ADD COLUMN fee_limit_msat bigint NOT NULL DEFAULT 0 CHECK (fee_limit_msat >= 0),
  ADD COLUMN fee_msat bigint NOT NULL DEFAULT 0 CHECK (fee_msat >= 0),
  -- Chosen with the payout; null: as the processor or the store says.
  ADD COLUMN strategy jsonb,
  -- The attempt that is open or has paid it, and the one before.
  ADD COLUMN attempt_id uuid,
  ADD COLUMN last_attempt_id uuid,
  -- Class of the last attempt that failed, whatever the payout's own reason is.
  ADD COLUMN last_failure text,
  ADD COLUMN payment_hash bytea CHECK (length(payment_hash) = 32),
  -- The proof that the recipient has the money (BOLT 11).
  ADD COLUMN preimage bytea CHECK (length(preimage) = 32);
UPDATE payout SET amount_msat = amount_sats * 1000;
ALTER TABLE payout ALTER COLUMN destination_kind DROP DEFAULT;
ALTER TABLE payout ALTER COLUMN amount_msat SET NOT NULL;
ALTER TABLE payout ADD CONSTRAINT payout_amount_msat_check CHECK (amount_msat > 0);
-- One fact, one column: whole satoshis follow from the exact amount, rounded up, for limits and sums.
ALTER TABLE payout DROP COLUMN amount_sats;
ALTER TABLE payout ADD COLUMN amount_sats bigint NOT NULL
  GENERATED ALWAYS AS ((amount_msat + 999) / 1000) STORED;
ALTER TABLE payout ALTER COLUMN script DROP NOT NULL, ALTER COLUMN wallet_id DROP NOT NULL;

-- The checks of 0008 that say what there was then.
DO $$ DECLARE found text; BEGIN
  FOR found IN SELECT conname FROM pg_constraint
    WHERE conrelid = 'payout'::regclass AND contype = 'c'
      AND (pg_get_constraintdef(oid) LIKE '%awaiting_approval%'
        OR pg_get_constraintdef(oid) LIKE '%spend_id IS NOT NULL%'
        OR pg_get_constraintdef(oid) LIKE '%''batch''%'
        OR pg_get_constraintdef(oid) LIKE '%method%')
  LOOP EXECUTE format('ALTER TABLE payout DROP CONSTRAINT %I', found); END LOOP;
END $$;
ALTER TABLE payout
  ADD CONSTRAINT payout_source_check
    CHECK (source IN ('api', 'batch', 'refund', 'pull_payment', 'card')),
  ADD CONSTRAINT payout_method_check CHECK (method IN ('onchain', 'lightning')),
  ADD CONSTRAINT payout_state_check CHECK (state IN ('awaiting_approval', 'approved',
    'in_progress', 'broadcast', 'confirmed', 'in_flight', 'unknown', 'final', 'failed',
    'cancelled')),
  ADD CONSTRAINT payout_state_of_method CHECK (CASE method
    WHEN 'onchain' THEN state NOT IN ('in_flight', 'unknown')
    ELSE state NOT IN ('in_progress', 'broadcast', 'confirmed') END),
  ADD CONSTRAINT payout_onchain CHECK ((method = 'onchain') = (script IS NOT NULL)
    AND (method = 'onchain') = (wallet_id IS NOT NULL)
    AND (method = 'onchain') = (destination_kind = 'address')
    AND (method = 'lightning' OR amount_msat % 1000 = 0)),
  -- One writer: a payout that is under way names the one spend, or the one attempt, that pays it.
  ADD CONSTRAINT payout_one_spend CHECK ((spend_id IS NOT NULL) =
    (method = 'onchain' AND state IN ('in_progress', 'broadcast', 'confirmed', 'final'))),
  ADD CONSTRAINT payout_one_attempt CHECK ((attempt_id IS NOT NULL) =
    (method = 'lightning' AND state IN ('in_flight', 'unknown', 'final'))),
  ADD CONSTRAINT payout_proof CHECK (method = 'onchain' OR state <> 'final' OR preimage IS NOT NULL);
CREATE INDEX payout_lightning_to_pay ON payout (approved_at, id)
  WHERE method = 'lightning' AND state = 'approved';
CREATE INDEX payout_lightning_expiring ON payout (expires_at)
  WHERE method = 'lightning' AND state IN ('awaiting_approval', 'approved');

-- A batch of nothing but Lightning needs no wallet.
ALTER TABLE payout_batch ALTER COLUMN wallet_id DROP NOT NULL;

-- A payment hash is one payout's of a store, for ever: the same invoice in a second payout is refused,
-- whatever became of the first. A node that is asked to pay it knows it under the same hash, so it is
-- one payout's of a node as well, should two stores ever share one.
CREATE TABLE lightning_payment_hash (
  merchant_id  uuid NOT NULL REFERENCES merchant (id),
  payment_hash bytea NOT NULL CHECK (length(payment_hash) = 32),
  payout_id    uuid NOT NULL,
  -- The node's own public key, once one has been asked to pay it.
  node_key     text,
  claimed_at   timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, payment_hash),
  FOREIGN KEY (merchant_id, payout_id) REFERENCES payout (merchant_id, id)
);
CREATE UNIQUE INDEX lightning_payment_hash_of_node ON lightning_payment_hash (node_key, payment_hash)
  WHERE node_key IS NOT NULL;
CALL protect_tenant_table('lightning_payment_hash');
GRANT SELECT, INSERT, UPDATE ON lightning_payment_hash TO quittance_app, quittance_system;

-- One try of one payout: what was committed before anything was sent, and how it ended.
CREATE TABLE lightning_attempt (
  merchant_id     uuid NOT NULL REFERENCES merchant (id),
  id              uuid NOT NULL UNIQUE,
  payout_id       uuid NOT NULL,
  number          integer NOT NULL CHECK (number > 0),
  -- open: from the moment that it may be sent until the node has said for certain what became of it.
  state           text NOT NULL CHECK (state IN ('open', 'succeeded', 'failed')),
  origin          text NOT NULL CHECK (origin IN ('processor_auto', 'manual')),
  processor_id    uuid,
  -- The node that pays: its connection and its own public key. Null: it failed before one was asked.
  lightning_node  uuid,
  node_key        text,
  -- What is paid: an invoice (BOLT 11) or, for an offer, the invoice that was fetched (BOLT 12).
  invoice         text,
  offer           text,
  payment_hash    bytea CHECK (length(payment_hash) = 32),
  amount_msat     bigint NOT NULL CHECK (amount_msat > 0),
  fee_limit_msat  bigint NOT NULL CHECK (fee_limit_msat >= 0),
  invoice_expires_at timestamptz,
  -- Until then the node may try by itself; after it and the invoice's end nothing can be sent.
  deadline_at     timestamptz,
  -- How often it was given to the node: the same hash each time, so at most one can arrive.
  sends           integer NOT NULL DEFAULT 0,
  sent_at         timestamptz,
  -- What the node said last while it is open.
  last_answer     text CHECK (last_answer IN ('in_flight', 'not_found', 'unknown')),
  last_answer_at  timestamptz,
  detail          text,
  -- When it is looked at next; null once it has ended.
  due_at          timestamptz,
  looks           integer NOT NULL DEFAULT 0,
  failure_class   text,
  failure_code    text,
  failure_at      text,
  preimage        bytea CHECK (length(preimage) = 32),
  sent_msat       bigint,
  fee_msat        bigint,
  started_at      timestamptz NOT NULL,
  ended_at        timestamptz,
  PRIMARY KEY (merchant_id, id),
  FOREIGN KEY (merchant_id, payout_id) REFERENCES payout (merchant_id, id),
  FOREIGN KEY (merchant_id, lightning_node) REFERENCES lightning_node (merchant_id, id),
  CHECK ((state = 'open') = (ended_at IS NULL)),
  CHECK ((state = 'open') = (due_at IS NOT NULL)),
  CHECK ((state = 'failed') = (failure_class IS NOT NULL)),
  CHECK ((state = 'succeeded') = (preimage IS NOT NULL)),
  CHECK (state = 'failed' OR (node_key IS NOT NULL AND invoice IS NOT NULL
    AND payment_hash IS NOT NULL AND invoice_expires_at IS NOT NULL AND deadline_at IS NOT NULL))
);
-- What keeps a payout from being paid twice: its next attempt can not be begun before this one ended.
CREATE UNIQUE INDEX lightning_attempt_open ON lightning_attempt (merchant_id, payout_id)
  WHERE state = 'open';
CREATE UNIQUE INDEX lightning_attempt_number ON lightning_attempt (merchant_id, payout_id, number);
CREATE INDEX lightning_attempt_due ON lightning_attempt (due_at) WHERE state = 'open';
CREATE INDEX lightning_attempt_of_hash ON lightning_attempt (merchant_id, payment_hash);
CREATE INDEX lightning_attempt_ended ON lightning_attempt (merchant_id, ended_at)
  WHERE ended_at IS NOT NULL;
CALL protect_tenant_table('lightning_attempt');
GRANT SELECT, INSERT, UPDATE ON lightning_attempt TO quittance_app, quittance_system;
ALTER TABLE payout
  ADD FOREIGN KEY (merchant_id, attempt_id) REFERENCES lightning_attempt (merchant_id, id);

-- One processor of a store pays over Lightning; it has no wallet on chain.
DO $$ DECLARE found text; BEGIN
  FOR found IN SELECT conname FROM pg_constraint
    WHERE conrelid = 'payout_processor'::regclass AND contype = 'c'
      AND pg_get_constraintdef(oid) LIKE '%kind%'
  LOOP EXECUTE format('ALTER TABLE payout_processor DROP CONSTRAINT %I', found); END LOOP;
END $$;
ALTER TABLE payout_processor
  ALTER COLUMN wallet_id DROP NOT NULL,
  ADD CONSTRAINT payout_processor_kind_check CHECK (kind IN ('onchain', 'lightning')),
  ADD CONSTRAINT payout_processor_wallet CHECK ((kind = 'onchain') = (wallet_id IS NOT NULL));
CREATE UNIQUE INDEX payout_processor_of_lightning ON payout_processor (merchant_id)
  WHERE kind = 'lightning';
