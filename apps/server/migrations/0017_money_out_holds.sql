-- A wallet from which nothing is paid, automatically, by hand or signed elsewhere, until a person has
-- looked (paying/guard). Without a foreign key, whose check would lock the wallet's row: orders wait
-- for that, and the watcher takes it last.
CREATE TABLE wallet_hold (
  merchant_id uuid NOT NULL,
  wallet_id   uuid NOT NULL,
  held_at     timestamptz NOT NULL,
  reason      text NOT NULL,
  PRIMARY KEY (merchant_id, wallet_id)
);
CALL protect_tenant_table('wallet_hold');
GRANT SELECT, DELETE ON wallet_hold TO quittance_app;
GRANT SELECT, INSERT, DELETE ON wallet_hold TO quittance_system;
CREATE INDEX wallet_hold_of_wallet ON wallet_hold (wallet_id);

-- Whether everything that pays out is held. The reason is the operator's; this is all that a
-- merchant's request learns of it.
CREATE FUNCTION money_out_is_held() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM money_out_guard WHERE held_at IS NOT NULL)
$$;
REVOKE ALL ON FUNCTION money_out_is_held FROM PUBLIC;
GRANT EXECUTE ON FUNCTION money_out_is_held TO quittance_app, quittance_system;

-- Who may see a transaction follows from the role that asks, as row-level security does, and not from
-- the one that logged in: where one login works as both (SET ROLE), a merchant's request would see the
-- coins of all. Inside a function with its owner's rights current_user is the owner.
CREATE OR REPLACE FUNCTION coin_transactions(wanted bytea[]) RETURNS TABLE (txid bytea, raw bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT t.txid, t.raw FROM chain_transaction t
   WHERE t.txid = ANY (wanted)
     AND (pg_has_role(coalesce(nullif(current_setting('role'), 'none'), session_user)::name,
                      'quittance_system', 'MEMBER')
      OR EXISTS (SELECT FROM coin c WHERE c.txid = t.txid AND c.merchant_id = current_merchant()))
$$;

-- Coins that wait in the mempool: the plan counts what waits before them.
CREATE INDEX coin_waiting ON coin (merchant_id, wallet_id)
  WHERE live AND spent_by IS NULL AND height IS NULL;

-- A transaction that nobody has and nobody will send gives its name free: one that is planned later
-- with the same coins and outputs is the same transaction.
UPDATE spend_version v SET txid = NULL
  FROM spend s WHERE s.id = v.spend_id AND s.state = 'failed' AND NOT v.exposed;

-- Which key made a key, and the one at the beginning: keys that come from one another are one person's
-- (four eyes). Null for those that the administrator made.
ALTER TABLE api_key ADD COLUMN made_by uuid REFERENCES api_key (id);
CREATE INDEX api_key_made_by ON api_key (made_by) WHERE made_by IS NOT NULL;
GRANT INSERT (made_by) ON api_key TO quittance_app, quittance_system;

-- Whoever made the present claim link of a refund, when that is not who made the refund.
ALTER TABLE refund ADD COLUMN link_made_by text;

-- What is cancelled is a version of the same spend.
ALTER TABLE spend DROP CONSTRAINT spend_kind_check,
  ADD CONSTRAINT spend_kind_check CHECK (kind IN ('payouts', 'consolidation', 'child'));
