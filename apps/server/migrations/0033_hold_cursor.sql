-- The watcher's cursor is held by a statement that fails when the cursor is elsewhere, so that what
-- is begun right behind it, without waiting for its answer, is refused with it (chain/store.ts).
CREATE FUNCTION hold_chain_cursor(of_network text, at_hash bytea) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM chain_cursor WHERE network = of_network AND hash = at_hash FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'QC001', MESSAGE = 'another watcher has moved the cursor';
  END IF;
END $$;
REVOKE ALL ON FUNCTION hold_chain_cursor FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hold_chain_cursor TO quittance_system;
