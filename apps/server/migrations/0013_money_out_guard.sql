-- What holds back everything that pays out (paying/guard): one row for the instance. A database that
-- was restored from a backup does not know what was paid since; until the chain has been read up to
-- its tip, and a signer is there that remembers what it signed, nothing may leave.
CREATE TABLE money_out_guard (
  id             boolean PRIMARY KEY DEFAULT true CHECK (id),
  -- When a watcher last had the whole chain and mempool on record, by the database's clock.
  caught_up_at   timestamptz,
  -- Length and last hash of the signer's log when it was last seen. Both only ever grow.
  signer_entries bigint,
  signer_head    text,
  held_at        timestamptz,
  held_reason    text,
  CHECK ((signer_entries IS NULL) = (signer_head IS NULL)),
  CHECK ((held_at IS NULL) = (held_reason IS NULL))
);
INSERT INTO money_out_guard DEFAULT VALUES;
GRANT SELECT, UPDATE ON money_out_guard TO quittance_system;

-- A transaction that spends our coins and that no spend of ours knows is compared with what is open.
CREATE INDEX payout_open_script ON payout (script)
  WHERE state NOT IN ('final', 'failed', 'cancelled');
