-- Money out (ADR 0012). A spend is one intent to pay a fixed set of outputs from one wallet. Its
-- versions are the transactions made for it; every one of them spends the anchor, so at most one of
-- them can ever be in the chain: that is what keeps a payout from being paid twice.
CREATE TABLE spend (
  merchant_id   uuid NOT NULL REFERENCES merchant (id),
  id            uuid NOT NULL UNIQUE,
  wallet_id     uuid NOT NULL,
  kind          text NOT NULL CHECK (kind IN ('payouts', 'consolidation', 'child', 'cancel')),
  origin        text NOT NULL CHECK (origin IN ('processor_auto', 'manual')),
  state         text NOT NULL CHECK (state IN ('planned', 'signed', 'broadcast', 'confirmed',
                  'final', 'failed')),
  anchor_txid   bytea NOT NULL,
  anchor_vout   integer NOT NULL,
  -- The version that counts: in a block, else the newest that a node took, else the newest.
  version       integer NOT NULL CHECK (version > 0),
  -- The book's transfers for this spend so far, and whether the last one books or reverses.
  ledger_epoch  integer NOT NULL DEFAULT 0,
  booked_version integer,
  -- When it should be worked on next; null when only the chain can move it on.
  due_at        timestamptz,
  attempts      integer NOT NULL DEFAULT 0,
  reason        text,
  -- The node's or the signer's own words about the reason.
  detail        text,
  height        integer,
  block_hash    bytea,
  -- What every version may cost at most: sat/kvB, and a share of the amounts in 1/10,000.
  max_fee_rate  bigint NOT NULL CHECK (max_fee_rate > 0),
  max_fee_share_bps integer CHECK (max_fee_share_bps BETWEEN 0 AND 10000),
  created_at    timestamptz NOT NULL,
  updated_at    timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, id),
  FOREIGN KEY (merchant_id, wallet_id) REFERENCES receiving_wallet (merchant_id, id)
);
CREATE INDEX spend_due ON spend (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX spend_open ON spend (merchant_id, wallet_id) WHERE state NOT IN ('final', 'failed');
CREATE INDEX spend_confirmed ON spend (height) WHERE state = 'confirmed';
CALL protect_tenant_table('spend');
GRANT SELECT, INSERT, UPDATE ON spend TO quittance_app, quittance_system;

CREATE TABLE spend_version (
  merchant_id  uuid NOT NULL,
  spend_id     uuid NOT NULL,
  version      integer NOT NULL,
  -- planned: no signature is known. signed: the bytes are durable and may be sent at any time.
  -- broadcast: a node took them. rejected: every node that was asked refused them for certain.
  state        text NOT NULL CHECK (state IN ('planned', 'signed', 'broadcast', 'rejected',
                 'replaced')),
  -- cancel: gives everything back to the wallet instead of paying.
  purpose      text NOT NULL CHECK (purpose IN ('pay', 'cancel')),
  -- Others may have it, whatever we remember: it was about to be sent, or was given out to be
  -- signed elsewhere. From then on only the chain can say that it will never be mined.
  exposed      boolean NOT NULL,
  psbt         bytea NOT NULL,
  raw          bytea,
  -- Outpoints of 36 bytes.
  inputs       bytea[] NOT NULL CHECK (cardinality(inputs) > 0),
  -- Of segwit inputs it is known before the signatures; it is what recovery looks for.
  txid         bytea,
  fee_sats     bigint NOT NULL CHECK (fee_sats >= 0),
  vsize        integer NOT NULL CHECK (vsize > 0),
  change_branch smallint CHECK (change_branch IN (0, 1)),
  change_index integer,
  change_vout  integer,
  change_sats  bigint CHECK (change_sats > 0),
  -- What leaves the wallet: outputs that are not ours, and the fee.
  out_sats     bigint NOT NULL CHECK (out_sats >= fee_sats),
  -- What recipients who bear the fee get less, in sat by payout.
  fee_shares   jsonb NOT NULL,
  reject_code  text,
  created_at   timestamptz NOT NULL,
  broadcast_at timestamptz,
  PRIMARY KEY (merchant_id, spend_id, version),
  FOREIGN KEY (merchant_id, spend_id) REFERENCES spend (merchant_id, id),
  CHECK (state IN ('planned', 'replaced') OR raw IS NOT NULL),
  CHECK ((change_branch IS NULL) = (change_index IS NULL)
     AND (change_vout IS NULL) = (change_index IS NULL)
     AND (change_sats IS NULL) = (change_index IS NULL))
);
CREATE INDEX spend_version_of_spend ON spend_version (spend_id);
CREATE UNIQUE INDEX spend_version_txid ON spend_version (txid) WHERE txid IS NOT NULL;
CALL protect_tenant_table('spend_version');
GRANT SELECT, INSERT, UPDATE ON spend_version TO quittance_app, quittance_system;

-- What the spend pays: the same in every version.
CREATE TABLE spend_output (
  merchant_id      uuid NOT NULL,
  spend_id         uuid NOT NULL,
  payout_id        uuid NOT NULL,
  script           bytea NOT NULL,
  -- What the payout takes from the book; the output is less by fee_share_sats when the recipient pays.
  amount_sats      bigint NOT NULL CHECK (amount_sats > 0),
  fee_from         text NOT NULL CHECK (fee_from IN ('sender', 'recipient')),
  max_fee_share_sats bigint NOT NULL CHECK (max_fee_share_sats >= 0),
  -- Of the version that counts.
  fee_share_sats   bigint NOT NULL DEFAULT 0 CHECK (fee_share_sats >= 0),
  approvals        jsonb NOT NULL,
  PRIMARY KEY (merchant_id, spend_id, payout_id),
  FOREIGN KEY (merchant_id, spend_id) REFERENCES spend (merchant_id, id)
);
CREATE INDEX spend_output_of_spend ON spend_output (spend_id);
CALL protect_tenant_table('spend_output');
GRANT SELECT, INSERT, UPDATE ON spend_output TO quittance_app, quittance_system;

-- Plans are locked to the tip, whose time says whether the node is behind. Blocks are no secret.
GRANT SELECT ON chain_block TO quittance_app;

-- A coin belongs to one open spend at a time. The row goes when the spend is final or has failed.
CREATE TABLE coin_reservation (
  merchant_id uuid NOT NULL,
  txid        bytea NOT NULL,
  vout        integer NOT NULL,
  spend_id    uuid NOT NULL,
  PRIMARY KEY (txid, vout),
  FOREIGN KEY (merchant_id, txid, vout) REFERENCES coin (merchant_id, txid, vout),
  FOREIGN KEY (merchant_id, spend_id) REFERENCES spend (merchant_id, id)
);
CREATE INDEX coin_reservation_of_spend ON coin_reservation (spend_id);
CALL protect_tenant_table('coin_reservation');
GRANT SELECT, INSERT, DELETE ON coin_reservation TO quittance_app, quittance_system;

-- A file of payouts: looked at line by line, then accepted or forgotten.
CREATE TABLE payout_batch (
  merchant_id uuid NOT NULL REFERENCES merchant (id),
  id          uuid NOT NULL UNIQUE,
  name        text,
  wallet_id   uuid NOT NULL,
  -- Lines with their verdicts and, of the valid ones, what they will pay.
  lines       jsonb NOT NULL,
  line_count  integer NOT NULL,
  valid_count integer NOT NULL,
  duplicate_count integer NOT NULL,
  total_sats  bigint NOT NULL,
  created_by  text NOT NULL,
  created_at  timestamptz NOT NULL,
  acceptable_until timestamptz NOT NULL,
  accepted_at timestamptz,
  PRIMARY KEY (merchant_id, id),
  FOREIGN KEY (merchant_id, wallet_id) REFERENCES receiving_wallet (merchant_id, id)
);
CALL protect_tenant_table('payout_batch');
GRANT SELECT, INSERT, UPDATE ON payout_batch TO quittance_app, quittance_system;

CREATE TABLE payout (
  merchant_id     uuid NOT NULL REFERENCES merchant (id),
  id              uuid NOT NULL UNIQUE,
  external_id     text CHECK (length(external_id) BETWEEN 1 AND 200),
  -- api, batch: asked for by the merchant. refund: for a refund of an order.
  source          text NOT NULL CHECK (source IN ('api', 'batch', 'refund')),
  batch_id        uuid,
  refund_id       uuid,
  method          text NOT NULL CHECK (method IN ('onchain')),
  destination     text NOT NULL,
  script          bytea NOT NULL,
  amount_sats     bigint NOT NULL CHECK (amount_sats > 0),
  -- What was asked for when it was not bitcoin, and the rate it was converted at.
  price           jsonb,
  fee_from        text NOT NULL CHECK (fee_from IN ('sender', 'recipient')),
  max_fee_share_sats bigint NOT NULL CHECK (max_fee_share_sats >= 0),
  description     text,
  metadata        jsonb NOT NULL,
  state           text NOT NULL CHECK (state IN ('awaiting_approval', 'approved', 'in_progress',
                    'broadcast', 'confirmed', 'final', 'failed', 'cancelled')),
  -- Why it is where it is, for a failed one and one that waits: a stable code.
  reason          text,
  origin          text CHECK (origin IN ('processor_auto', 'manual')),
  approvals_needed integer NOT NULL CHECK (approvals_needed BETWEEN 0 AND 10),
  approvals       jsonb NOT NULL DEFAULT '[]',
  wallet_id       uuid NOT NULL,
  -- A person wants it paid now: who, when, at which fee.
  pay_request     jsonb,
  -- Which processor had it paid; null: a person did.
  processor_id    uuid,
  spend_id        uuid,
  -- The spend before, when it has failed.
  last_spend_id   uuid,
  txid            bytea,
  fee_share_sats  bigint NOT NULL DEFAULT 0,
  attempts        integer NOT NULL DEFAULT 0,
  -- The processor leaves it alone until then.
  not_before      timestamptz,
  ledger_epoch    integer NOT NULL DEFAULT 0,
  version         integer NOT NULL DEFAULT 1,
  created_by      text NOT NULL,
  created_at      timestamptz NOT NULL,
  approved_at     timestamptz,
  -- When its present or last spend was planned: what limits for a day count by.
  started_at      timestamptz,
  broadcast_at    timestamptz,
  finished_at     timestamptz,
  updated_at      timestamptz NOT NULL,
  -- When it came into the state it is in.
  state_since     timestamptz NOT NULL,
  -- When it was last alerted of as standing still.
  stuck_at        timestamptz,
  PRIMARY KEY (merchant_id, id),
  FOREIGN KEY (merchant_id, spend_id) REFERENCES spend (merchant_id, id),
  FOREIGN KEY (merchant_id, wallet_id) REFERENCES receiving_wallet (merchant_id, id),
  FOREIGN KEY (merchant_id, batch_id) REFERENCES payout_batch (merchant_id, id),
  -- One writer: a payout that is under way names the one spend that pays it.
  CHECK ((state IN ('in_progress', 'broadcast', 'confirmed', 'final')) = (spend_id IS NOT NULL)),
  CHECK ((source = 'refund') = (refund_id IS NOT NULL))
);
CREATE INDEX payout_by_state ON payout (merchant_id, state, id);
CREATE INDEX payout_by_external_id ON payout (merchant_id, external_id, id)
  WHERE external_id IS NOT NULL;
CREATE INDEX payout_to_process ON payout (merchant_id, wallet_id, approved_at, id)
  WHERE state = 'approved';
CREATE INDEX payout_open ON payout (state, state_since)
  WHERE state NOT IN ('final', 'failed', 'cancelled');
CREATE INDEX payout_stuck ON payout (merchant_id, id) WHERE stuck_at IS NOT NULL;
CREATE INDEX payout_pay_requested ON payout (approved_at, id)
  WHERE state = 'approved' AND pay_request IS NOT NULL;
CREATE INDEX payout_of_batch ON payout (merchant_id, batch_id, id) WHERE batch_id IS NOT NULL;
CREATE INDEX payout_approved_at ON payout (merchant_id, approved_at) WHERE approved_at IS NOT NULL;
CREATE INDEX payout_started_at ON payout (merchant_id, processor_id, started_at)
  WHERE processor_id IS NOT NULL;
CREATE INDEX payout_of_spend ON payout (spend_id) WHERE spend_id IS NOT NULL;
CREATE UNIQUE INDEX payout_of_refund ON payout (merchant_id, refund_id)
  WHERE refund_id IS NOT NULL AND state NOT IN ('failed', 'cancelled');
CALL protect_tenant_table('payout');
GRANT SELECT, INSERT, UPDATE ON payout TO quittance_app, quittance_system;
