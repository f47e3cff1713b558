-- The coins of our wallets (ADR 0012): every output to a script that we derived, whoever it was
-- meant for. What is told about a coin is derived from chain_transaction and chain_spend by
-- refresh_coins(), in the transaction that changed those, and never kept up by hand.
ALTER TABLE receiving_wallet
  -- payouts: paid from and funded, but never the one that new orders receive on.
  ADD COLUMN use text NOT NULL DEFAULT 'receiving' CHECK (use IN ('receiving', 'payouts')),
  -- The name of the wallet in the signer process; null: transactions are signed elsewhere (PSBT).
  ADD COLUMN signer_wallet text CHECK (length(signer_wallet) BETWEEN 1 AND 100),
  -- 2: the descriptor has a branch for change (BIP389). 1: change goes to branch 0.
  ADD COLUMN branches smallint NOT NULL DEFAULT 1 CHECK (branches IN (1, 2)),
  -- Of branch 1; unused where there is none.
  ADD COLUMN next_change_index integer NOT NULL DEFAULT 0,
  ADD COLUMN change_derived_through integer NOT NULL DEFAULT -1,
  ADD CHECK (use = 'receiving' OR NOT active);
UPDATE receiving_wallet SET branches = 2 WHERE descriptor LIKE '%<%';
GRANT UPDATE (use, signer_wallet, next_change_index, change_derived_through)
  ON receiving_wallet TO quittance_app;

-- Branch 0 receives, branch 1 takes change (BIP44).
ALTER TABLE address ADD COLUMN branch smallint NOT NULL DEFAULT 0 CHECK (branch IN (0, 1));
ALTER TABLE address DROP CONSTRAINT address_pkey;
ALTER TABLE address ADD PRIMARY KEY (merchant_id, wallet_id, branch, index);

CREATE TABLE coin (
  merchant_id  uuid NOT NULL,
  txid         bytea NOT NULL CHECK (length(txid) = 32),
  vout         integer NOT NULL CHECK (vout >= 0),
  wallet_id    uuid NOT NULL,
  address_id   integer NOT NULL REFERENCES address (id),
  branch       smallint NOT NULL,
  index        integer NOT NULL,
  -- The order whose address it is: then receiving/payments books it. Else a movement does. Without
  -- a foreign key, whose check would lock the order: the locks' order has it after spends.
  order_id     uuid,
  value_sats   bigint NOT NULL CHECK (value_sats > 0),
  coinbase     boolean NOT NULL,
  -- Derived: whether its transaction is in the mempool or a block, in which, and what spends it.
  live         boolean NOT NULL,
  height       integer,
  spent_by     bytea,
  spent_height integer,
  PRIMARY KEY (merchant_id, txid, vout),
  UNIQUE (txid, vout),
  FOREIGN KEY (merchant_id, wallet_id) REFERENCES receiving_wallet (merchant_id, id),
  CHECK (live OR height IS NULL),
  CHECK (spent_by IS NOT NULL OR spent_height IS NULL)
);
-- By value, so that a plan and a page begin with the largest without sorting the wallet.
CREATE INDEX coin_unspent ON coin (merchant_id, wallet_id, value_sats, txid, vout)
  WHERE live AND spent_by IS NULL;
CREATE INDEX coin_spent_by ON coin (spent_by) WHERE spent_by IS NOT NULL;
CALL protect_tenant_table('coin');
GRANT SELECT ON coin TO quittance_app;
GRANT SELECT, INSERT, UPDATE ON coin TO quittance_system;

-- Derives what is told about the coins that these transactions make or spend. A coin counts as spent
-- from the moment that its spender is in the mempool; of two spenders the one in a block counts.
CREATE FUNCTION refresh_coins(touched bytea[]) RETURNS void
LANGUAGE sql AS $$
  UPDATE coin c SET live = n.live, height = n.height, spent_by = n.spent_by,
         spent_height = n.spent_height
    FROM (
      SELECT k.txid, k.vout, t.state IN ('mempool', 'block') AS live, t.height,
             s.txid AS spent_by, s.height AS spent_height
        -- A union, not an OR: both halves are found by an index however many coins there are.
        FROM (SELECT txid, vout::bigint AS vout FROM coin WHERE txid = ANY (touched)
              UNION SELECT prev_txid, prev_vout FROM chain_spend WHERE txid = ANY (touched)) o
        JOIN coin k ON k.txid = o.txid AND k.vout = o.vout
        JOIN chain_transaction t ON t.txid = k.txid
        LEFT JOIN LATERAL (
          SELECT x.txid, x.height FROM chain_spend p JOIN chain_transaction x ON x.txid = p.txid
           WHERE p.prev_txid = k.txid AND p.prev_vout = k.vout AND x.state IN ('mempool', 'block')
           ORDER BY x.height NULLS LAST LIMIT 1) s ON true) n
   WHERE c.txid = n.txid AND c.vout = n.vout
     AND (c.live, c.height, c.spent_by, c.spent_height)
         IS DISTINCT FROM (n.live, n.height, n.spent_by, n.spent_height)
$$;
REVOKE ALL ON FUNCTION refresh_coins FROM PUBLIC;
GRANT EXECUTE ON FUNCTION refresh_coins TO quittance_system;

-- The transactions that made coins, for whoever spends them: nobody but quittance_system may read
-- chain_transaction, and a merchant sees those that pay it.
CREATE FUNCTION coin_transactions(wanted bytea[]) RETURNS TABLE (txid bytea, raw bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT t.txid, t.raw FROM chain_transaction t
   WHERE t.txid = ANY (wanted) AND (pg_has_role(session_user, 'quittance_system', 'MEMBER')
      OR EXISTS (SELECT FROM coin c WHERE c.txid = t.txid AND c.merchant_id = current_merchant()))
$$;
REVOKE ALL ON FUNCTION coin_transactions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coin_transactions TO quittance_app, quittance_system;

-- What a transaction means for a merchant's book beyond order payments and our own spends: money
-- that came to an address without an order, and coins that somebody else's software spent.
CREATE TABLE wallet_movement (
  merchant_id  uuid NOT NULL REFERENCES merchant (id),
  txid         bytea NOT NULL,
  -- Positive: deposited. Negative: withdrawn (with the network's fee).
  amount_sats  bigint NOT NULL CHECK (amount_sats <> 0),
  state        text NOT NULL CHECK (state IN ('pending', 'booked', 'gone')),
  -- Counts the movement's ledger transfers, so that each has an id of its own across reorgs.
  ledger_epoch integer NOT NULL,
  first_seen_at timestamptz NOT NULL,
  updated_at   timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, txid)
);
CREATE INDEX wallet_movement_by_transaction ON wallet_movement (txid);
CALL protect_tenant_table('wallet_movement');
GRANT SELECT ON wallet_movement TO quittance_app;
GRANT SELECT, INSERT, UPDATE ON wallet_movement TO quittance_system;

-- Labels of BIP329, by what they are of.
CREATE TABLE wallet_label (
  merchant_id uuid NOT NULL REFERENCES merchant (id),
  type        text NOT NULL CHECK (type IN ('tx', 'addr', 'pubkey', 'input', 'output', 'xpub')),
  ref         text NOT NULL CHECK (length(ref) BETWEEN 1 AND 200),
  label       text NOT NULL CHECK (length(label) <= 255),
  -- Fields that we do not know, kept for the export.
  rest        jsonb NOT NULL,
  -- Of outputs: false freezes the coin; it is never selected.
  spendable   boolean,
  PRIMARY KEY (merchant_id, type, ref)
);
CALL protect_tenant_table('wallet_label');
GRANT SELECT, INSERT, UPDATE, DELETE ON wallet_label TO quittance_app, quittance_system;
