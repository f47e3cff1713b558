-- Several entries of a case's log in one go: a case that is opened begins with two, and each call locks
-- the case and writes its head anew. The seal of an entry stays what it was (0021).
DROP FUNCTION compliance_log_append;

-- The only way into the log. Writers of one case go one after the other from here to the end of
-- their transaction. The check rests on session_user, the role that logged in, because inside a
-- SECURITY DEFINER function current_user is the owner.
CREATE FUNCTION compliance_log_append(of_merchant uuid, of_case uuid, at_ms bigint, by_whom text,
  entries uuid[], kinds text[], said text[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  last_sequence bigint;
  last_hash bytea;
  said_sha256 bytea;
  next_hash bytea;
BEGIN
  IF NOT pg_has_role(session_user, 'quittance_system', 'MEMBER')
    AND of_merchant IS DISTINCT FROM current_merchant() THEN
    RAISE EXCEPTION 'the case % is not yours', of_case;
  END IF;
  IF cardinality(entries) = 0 OR cardinality(entries) <> cardinality(kinds)
    OR cardinality(entries) <> cardinality(said) THEN
    RAISE EXCEPTION 'each entry of the log has an id, a kind and a content';
  END IF;
  SELECT c.log_sequence, c.log_hash INTO STRICT last_sequence, last_hash FROM compliance_case c
    WHERE c.merchant_id = of_merchant AND c.id = of_case FOR NO KEY UPDATE;
  FOR i IN 1 .. cardinality(entries) LOOP
    last_sequence := last_sequence + 1;
    said_sha256 := sha256(convert_to(said[i], 'UTF8'));
    next_hash := sha256(last_hash || convert_to(compliance_field('quittance-case-1')
      || compliance_field(of_merchant::text) || compliance_field(of_case::text)
      || compliance_field(last_sequence::text) || compliance_field(entries[i]::text)
      || compliance_field(at_ms::text) || compliance_field(by_whom) || compliance_field(kinds[i])
      || compliance_field(encode(said_sha256, 'hex')), 'UTF8'));
    INSERT INTO compliance_case_log (merchant_id, case_id, sequence, id, at, actor, kind, content,
      content_sha256, prev_hash, hash)
    VALUES (of_merchant, of_case, last_sequence, entries[i],
      'epoch'::timestamptz + at_ms * interval '1 millisecond', by_whom, kinds[i], said[i],
      said_sha256, last_hash, next_hash);
    last_hash := next_hash;
  END LOOP;
  UPDATE compliance_case c SET log_sequence = last_sequence, log_hash = last_hash
    WHERE c.merchant_id = of_merchant AND c.id = of_case;
  RETURN last_sequence;
END $$;

REVOKE ALL ON FUNCTION compliance_log_append FROM PUBLIC;
GRANT EXECUTE ON FUNCTION compliance_log_append TO quittance_app, quittance_system;
