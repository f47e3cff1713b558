-- What comparing a store's coins with its book has shown (accounting/reconciliation). A row says the
-- same as the one before it only where somebody asked: the newest row's sums and checked_at move on.
CREATE TABLE reconciliation (
  merchant_id    uuid NOT NULL REFERENCES merchant (id),
  id             uuid NOT NULL,
  -- unreadable: a source could not be read. Then nothing is known, which is not the same as zero.
  state          text NOT NULL CHECK (state IN ('ok', 'break', 'unreadable')),
  -- Whether the node's own set of coins was compared as well.
  node           text NOT NULL CHECK (node IN ('not_asked', 'equal', 'different', 'unreadable')),
  ledger_sats    bigint,
  coin_sats      bigint,
  -- Booked spends that the chain's record does not have yet.
  explained_sats bigint,
  difference_sats bigint,
  explained      jsonb NOT NULL,
  breaks         jsonb NOT NULL,
  reason         text,
  -- The book's last transfer that was seen: a book that has not moved on need not be checked soon.
  sequence       bigint NOT NULL,
  created_at     timestamptz NOT NULL,
  checked_at     timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, id),
  CHECK (state = 'unreadable' OR (ledger_sats IS NOT NULL AND coin_sats IS NOT NULL
    AND explained_sats IS NOT NULL AND difference_sats IS NOT NULL))
);
CALL protect_tenant_table('reconciliation');
GRANT SELECT, INSERT, UPDATE ON reconciliation TO quittance_app, quittance_system;
