-- Double entry (design §3, law 2; docs/adr/0002-ledger.md). The working roles may read what is
-- theirs and call ledger_post; nothing else writes here, and nothing is ever changed or removed
-- but the head of a book and the counters of an account, which ledger_post moves on.

-- Lengths in the journal's encoding count UTF-8 bytes, so the server must think in UTF-8 too.
DO $$ BEGIN
  IF current_setting('server_encoding') <> 'UTF8' THEN
    RAISE EXCEPTION 'the ledger needs a database with the encoding UTF8';
  END IF;
END $$;

-- A unit of bookkeeping and of the hash chain: a merchant's book has the merchant's id.
CREATE TABLE ledger_book (
  id               uuid PRIMARY KEY,
  head_sequence    bigint NOT NULL DEFAULT 0 CHECK (head_sequence >= 0),
  head_hash        bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex')
                     CHECK (length(head_hash) = 32),
  head_recorded_at timestamptz NOT NULL DEFAULT 'epoch',
  account_count    integer NOT NULL DEFAULT 0
);

-- One account holds one asset; the code names it inside its book. Amounts are whole smallest
-- units (BTC: msat). An addition that leaves 64 bits is an error in PostgreSQL, never a wrap.
CREATE TABLE ledger_account (
  book_id         uuid NOT NULL REFERENCES ledger_book (id),
  id              integer NOT NULL,
  code            text NOT NULL CHECK (code ~ '^[a-z][a-z0-9_.:-]{0,99}$'),
  asset           text NOT NULL CHECK (asset ~ '^[A-Z][A-Z0-9]{2,11}$'),
  kind            text NOT NULL
                    CHECK (kind IN ('asset', 'liability', 'equity', 'income', 'expense')),
  -- Must not go below zero, with what is pending against it counted as gone.
  floor           boolean NOT NULL,
  debits_posted   bigint NOT NULL DEFAULT 0 CHECK (debits_posted >= 0),
  credits_posted  bigint NOT NULL DEFAULT 0 CHECK (credits_posted >= 0),
  debits_pending  bigint NOT NULL DEFAULT 0 CHECK (debits_pending >= 0),
  credits_pending bigint NOT NULL DEFAULT 0 CHECK (credits_pending >= 0),
  PRIMARY KEY (book_id, id),
  UNIQUE (book_id, code),
  CONSTRAINT ledger_account_floor CHECK (NOT floor OR CASE WHEN kind IN ('asset', 'expense')
    THEN debits_posted::numeric - credits_posted - credits_pending >= 0
    ELSE credits_posted::numeric - debits_posted - debits_pending >= 0 END)
);

CREATE TABLE ledger_transfer (
  book_id      uuid NOT NULL REFERENCES ledger_book (id),
  id           uuid NOT NULL,
  sequence     bigint NOT NULL CHECK (sequence > 0),
  template     text NOT NULL CHECK (template ~ '^[a-z][a-z0-9-]{0,99}$'),
  phase        text NOT NULL CHECK (phase IN ('single', 'pending', 'post', 'void')),
  pending_id   uuid,
  -- When it happened, as the event says, and when the book took it in: never earlier than the
  -- transfer before it, so that "as of a time" is a beginning of the journal.
  effective_at timestamptz NOT NULL,
  recorded_at  timestamptz NOT NULL,
  reference    jsonb NOT NULL CHECK (jsonb_typeof(reference) = 'object'),
  prev_hash    bytea NOT NULL CHECK (length(prev_hash) = 32),
  hash         bytea NOT NULL CHECK (length(hash) = 32),
  PRIMARY KEY (book_id, id),
  UNIQUE (book_id, sequence),
  CHECK ((pending_id IS NOT NULL) = (phase IN ('post', 'void'))),
  -- The encoding counts whole milliseconds; a finer part would be outside the hash.
  CHECK (mod(extract(epoch FROM effective_at) * 1000, 1) = 0
     AND mod(extract(epoch FROM recorded_at) * 1000, 1) = 0)
);
CREATE UNIQUE INDEX ledger_transfer_resolves_once ON ledger_transfer (book_id, pending_id)
  WHERE pending_id IS NOT NULL;
CREATE INDEX ledger_transfer_as_of ON ledger_transfer (book_id, recorded_at, sequence);

CREATE TABLE ledger_entry (
  book_id    uuid NOT NULL,
  sequence   bigint NOT NULL,
  leg        integer NOT NULL CHECK (leg > 0),
  account_id integer NOT NULL,
  direction  text NOT NULL CHECK (direction IN ('debit', 'credit')),
  amount     bigint NOT NULL CHECK (amount > 0),
  PRIMARY KEY (book_id, sequence, leg),
  FOREIGN KEY (book_id, sequence) REFERENCES ledger_transfer (book_id, sequence),
  FOREIGN KEY (book_id, account_id) REFERENCES ledger_account (book_id, id)
);
CREATE INDEX ledger_entry_of_account ON ledger_entry (book_id, account_id, sequence);

CALL protect_tenant_table('ledger_book', 'id');
CALL protect_tenant_table('ledger_account', 'book_id');
CALL protect_tenant_table('ledger_transfer', 'book_id');
CALL protect_tenant_table('ledger_entry', 'book_id');
GRANT SELECT ON ledger_book, ledger_account, ledger_transfer, ledger_entry
  TO quittance_app, quittance_system;

-- Stops even the owner from changing the journal by mistake. Who means to can lift it; then the
-- hash chain tells (ledger verify).
CREATE FUNCTION ledger_refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the journal is append-only: % on % is refused', TG_OP, TG_TABLE_NAME;
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_transfer
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entry
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();

-- The message is the stable code of LedgerError; the detail is for people.
CREATE FUNCTION ledger_fail(code text, transfer_id uuid, explanation text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'QL001', MESSAGE = code, DETAIL = explanation,
    HINT = coalesce(transfer_id::text, '');
END $$;

-- The encoding that is hashed (ledger/README.md): every field is a netstring, its length in
-- UTF-8 bytes before it, so that no two different transfers are written alike.
CREATE FUNCTION ledger_field(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT
AS $$ SELECT octet_length(value)::text || ':' || value || ',' $$;

CREATE FUNCTION ledger_encode_legs(legs jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT ledger_field(count(*)::text) || coalesce(string_agg(
    ledger_field(l.leg ->> 'code') || ledger_field(l.leg ->> 'asset')
    || ledger_field(l.leg ->> 'kind')
    || ledger_field(CASE l.leg ->> 'floor' WHEN 'true' THEN 'floor' WHEN 'false' THEN 'free' END)
    || ledger_field(l.leg ->> 'direction') || ledger_field(((l.leg ->> 'amount')::bigint)::text),
    '' ORDER BY l.n), '')
  FROM jsonb_array_elements(legs) WITH ORDINALITY AS l (leg, n)
$$;

CREATE FUNCTION ledger_encode_reference(reference jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT ledger_field(count(*)::text) || coalesce(string_agg(
    ledger_field(r.key) || ledger_field(r.value), '' ORDER BY r.key COLLATE "C"), '')
  FROM jsonb_each_text(reference) AS r
$$;

CREATE FUNCTION ledger_encode(book_id uuid, id uuid, template text, phase text, pending_id uuid,
  effective_ms bigint, reference jsonb, encoded_legs text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT ledger_field('quittance-ledger-1') || ledger_field(book_id::text)
    || ledger_field(id::text) || ledger_field(template) || ledger_field(phase)
    || ledger_field(coalesce(pending_id::text, '')) || ledger_field(effective_ms::text)
    || ledger_encode_reference(reference) || encoded_legs
$$;

CREATE FUNCTION ledger_ms(at timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE
AS $$ SELECT (extract(epoch FROM at) * 1000)::bigint $$;
CREATE FUNCTION ledger_time(ms bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE
AS $$ SELECT 'epoch'::timestamptz + ms * interval '1 millisecond' $$;

-- The legs of a stored transfer in the shape that callers write them.
CREATE FUNCTION ledger_stored_legs(of_book uuid, of_sequence bigint) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object('code', a.code, 'asset', a.asset, 'kind', a.kind,
    'floor', a.floor, 'direction', e.direction, 'amount', e.amount) ORDER BY e.leg), '[]')
  FROM ledger_entry e JOIN ledger_account a ON a.book_id = e.book_id AND a.id = e.account_id
  WHERE e.book_id = of_book AND e.sequence = of_sequence
$$;

-- Writers of one book go one after the other from here to the end of their transaction.
CREATE FUNCTION ledger_lock_book(book uuid) RETURNS ledger_book
LANGUAGE plpgsql AS $$
DECLARE
  head ledger_book;
BEGIN
  SELECT * INTO head FROM ledger_book b WHERE b.id = book FOR UPDATE;
  IF NOT FOUND THEN
    INSERT INTO ledger_book (id) VALUES (book) ON CONFLICT DO NOTHING;
    SELECT * INTO STRICT head FROM ledger_book b WHERE b.id = book FOR UPDATE;
  END IF;
  RETURN head;
END $$;

-- Tells what is wrong with the shape and the sums of one transfer, or null.
CREATE FUNCTION ledger_find_fault(transfer jsonb) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN EXISTS (SELECT FROM jsonb_each(transfer -> 'reference') r
                 WHERE jsonb_typeof(r.value) <> 'string') THEN 'invalid_transfer'
    WHEN transfer ->> 'phase' NOT IN ('single', 'pending', 'post', 'void') THEN 'invalid_transfer'
    WHEN (transfer ->> 'pendingId' IS NOT NULL) <> (transfer ->> 'phase' IN ('post', 'void'))
      THEN 'invalid_transfer'
    WHEN count(*) < 2 THEN 'too_few_legs'
    WHEN bool_or(l.amount <= 0 OR l.direction NOT IN ('debit', 'credit')) THEN 'invalid_leg'
    WHEN bool_or(l.code IS NULL OR l.asset IS NULL OR l.kind IS NULL OR l.floor IS NULL
                 OR l.direction IS NULL OR l.amount IS NULL) THEN 'invalid_leg'
    WHEN EXISTS (
      SELECT FROM jsonb_to_recordset(transfer -> 'legs')
        AS s (asset text, direction text, amount numeric)
      GROUP BY s.asset
      HAVING sum(CASE s.direction WHEN 'debit' THEN s.amount ELSE -s.amount END) <> 0
    ) THEN 'unbalanced'
  END
  FROM jsonb_to_recordset(transfer -> 'legs') AS l (code text, asset text, kind text,
    floor boolean, direction text, amount bigint)
$$;

-- Tells why a post or void can not resolve the pending transfer that it names, or null.
CREATE FUNCTION ledger_find_pending_fault(book uuid, pending uuid, encoded_legs text) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
  target ledger_transfer;
  resolution text;
BEGIN
  SELECT * INTO target FROM ledger_transfer t WHERE t.book_id = book AND t.id = pending;
  IF NOT FOUND THEN RETURN 'pending_not_found'; END IF;
  IF target.phase <> 'pending' THEN RETURN 'pending_not_pending'; END IF;
  SELECT t.phase INTO resolution FROM ledger_transfer t
    WHERE t.book_id = book AND t.pending_id = pending;
  IF resolution = 'post' THEN RETURN 'pending_already_posted'; END IF;
  IF resolution = 'void' THEN RETURN 'pending_already_voided'; END IF;
  IF ledger_encode_legs(ledger_stored_legs(book, target.sequence)) <> encoded_legs THEN
    RETURN 'pending_mismatch';
  END IF;
  RETURN NULL;
END $$;

-- Counts one leg. A post takes out of the pending counters what it adds to the posted ones.
CREATE FUNCTION ledger_apply(account ledger_account, phase text, direction text, amount bigint)
RETURNS ledger_account LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  posted bigint := CASE WHEN phase IN ('single', 'post') THEN amount ELSE 0 END;
  pending bigint := CASE phase WHEN 'single' THEN 0 WHEN 'pending' THEN amount ELSE -amount END;
BEGIN
  IF direction = 'debit' THEN
    account.debits_posted := account.debits_posted + posted;
    account.debits_pending := account.debits_pending + pending;
  ELSE
    account.credits_posted := account.credits_posted + posted;
    account.credits_pending := account.credits_pending + pending;
  END IF;
  RETURN account;
END $$;

CREATE FUNCTION ledger_is_below_floor(account ledger_account) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
  SELECT account.floor AND CASE WHEN account.kind IN ('asset', 'expense')
    THEN account.debits_posted::numeric - account.credits_posted - account.credits_pending < 0
    ELSE account.credits_posted::numeric - account.debits_posted - account.debits_pending < 0 END
$$;

-- Posts the transfers of one book in their order. The accounts stay in memory meanwhile and are
-- written once at the end, because a batch changes the same few rows again and again.
CREATE FUNCTION ledger_post_to_book(book uuid, batch jsonb) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
  head ledger_book := ledger_lock_book(book);
  accounts ledger_account[];
  codes text[];
  transfer jsonb;
  leg record;
  account ledger_account;
  stored ledger_transfer;
  at integer;
  n integer;
  -- Where the account of each leg stands in accounts.
  places integer[];
  transfer_id uuid;
  pending uuid;
  transfer_phase text;
  content text;
  encoded_legs text;
  fault text;
  next_hash bytea;
  recorded integer := 0;
BEGIN
  SELECT coalesce(array_agg(a), '{}'), coalesce(array_agg(a.code), '{}') INTO accounts, codes
  FROM ledger_account a WHERE a.book_id = book AND a.code IN (
    SELECT l ->> 'code' FROM jsonb_array_elements(batch) t, jsonb_array_elements(t -> 'legs') l);

  FOR transfer IN SELECT value FROM jsonb_array_elements(batch) LOOP
    transfer_id := (transfer ->> 'id')::uuid;
    transfer_phase := transfer ->> 'phase';
    pending := (transfer ->> 'pendingId')::uuid;
    fault := ledger_find_fault(transfer);
    IF fault IS NOT NULL THEN
      PERFORM ledger_fail(fault, transfer_id, 'the transfer is not well formed');
    END IF;
    encoded_legs := ledger_encode_legs(transfer -> 'legs');
    content := ledger_encode(book, transfer_id, transfer ->> 'template', transfer_phase, pending,
      (transfer ->> 'effectiveAtMs')::bigint, transfer -> 'reference', encoded_legs);

    -- A retry is exact or it is refused; only the time of recording may differ.
    SELECT * INTO stored FROM ledger_transfer t WHERE t.book_id = book AND t.id = transfer_id;
    IF FOUND THEN
      IF content = ledger_encode(book, stored.id, stored.template, stored.phase,
        stored.pending_id, ledger_ms(stored.effective_at), stored.reference,
        ledger_encode_legs(ledger_stored_legs(book, stored.sequence))) THEN CONTINUE;
      END IF;
      PERFORM ledger_fail('transfer_mismatch', transfer_id,
        'the id belongs to a transfer with other content');
    END IF;

    IF pending IS NOT NULL THEN
      fault := ledger_find_pending_fault(book, pending, encoded_legs);
      IF fault IS NOT NULL THEN
        PERFORM ledger_fail(fault, transfer_id, format('it names the pending %s', pending));
      END IF;
    END IF;

    head.head_sequence := head.head_sequence + 1;
    head.head_recorded_at := greatest(head.head_recorded_at,
      ledger_time((transfer ->> 'recordedAtMs')::bigint));
    next_hash := sha256(head.head_hash || convert_to(ledger_field(head.head_sequence::text)
      || ledger_field(ledger_ms(head.head_recorded_at)::text) || content, 'UTF8'));
    INSERT INTO ledger_transfer (book_id, id, sequence, template, phase, pending_id, effective_at,
      recorded_at, reference, prev_hash, hash)
    VALUES (book, transfer_id, head.head_sequence, transfer ->> 'template', transfer_phase,
      pending, ledger_time((transfer ->> 'effectiveAtMs')::bigint), head.head_recorded_at,
      transfer -> 'reference', head.head_hash, next_hash);
    head.head_hash := next_hash;
    recorded := recorded + 1;

    places := '{}';
    FOR leg IN SELECT * FROM jsonb_to_recordset(transfer -> 'legs') AS (code text, asset text,
      kind text, floor boolean) LOOP
      at := array_position(codes, leg.code);
      IF at IS NULL THEN
        head.account_count := head.account_count + 1;
        INSERT INTO ledger_account (book_id, id, code, asset, kind, floor)
        VALUES (book, head.account_count, leg.code, leg.asset, leg.kind, leg.floor)
        RETURNING * INTO account;
        accounts := accounts || account;
        codes := codes || leg.code;
        at := cardinality(codes);
      END IF;
      account := accounts[at];
      IF (account.asset, account.kind, account.floor) <> (leg.asset, leg.kind, leg.floor) THEN
        PERFORM ledger_fail('account_mismatch', transfer_id,
          format('the account %s was opened with another definition', leg.code));
      END IF;
      places := places || at;
    END LOOP;

    n := 0;
    FOR leg IN SELECT * FROM jsonb_to_recordset(transfer -> 'legs') AS (direction text,
      amount bigint) LOOP
      n := n + 1;
      account := ledger_apply(accounts[places[n]], transfer_phase, leg.direction, leg.amount);
      accounts[places[n]] := account;
      INSERT INTO ledger_entry (book_id, sequence, leg, account_id, direction, amount)
      VALUES (book, head.head_sequence, n, account.id, leg.direction, leg.amount);
    END LOOP;

    FOREACH at IN ARRAY places LOOP
      IF ledger_is_below_floor(accounts[at]) THEN
        PERFORM ledger_fail('below_floor', transfer_id,
          format('the account %s must not go below zero', codes[at]));
      END IF;
    END LOOP;
  END LOOP;

  IF recorded > 0 THEN
    UPDATE ledger_account a SET debits_posted = n.debits_posted,
      credits_posted = n.credits_posted, debits_pending = n.debits_pending,
      credits_pending = n.credits_pending
    FROM unnest(accounts) n WHERE a.book_id = book AND a.id = n.id;
    UPDATE ledger_book b SET head_sequence = head.head_sequence, head_hash = head.head_hash,
      head_recorded_at = head.head_recorded_at, account_count = head.account_count
    WHERE b.id = book;
  END IF;
  RETURN recorded;
END $$;

-- The only way into the ledger. Posts all transfers of the batch or none, and returns how many
-- were new. Books are locked in the order of their ids, so two batches can not deadlock.
-- The check rests on session_user, the role that logged in, because inside a SECURITY DEFINER
-- function current_user is the owner.
CREATE FUNCTION ledger_post(batch jsonb) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  book record;
  recorded integer := 0;
BEGIN
  FOR book IN
    SELECT (t ->> 'bookId')::uuid AS id, jsonb_agg(t ORDER BY n) AS transfers
    FROM jsonb_array_elements(batch) WITH ORDINALITY AS e (t, n) GROUP BY 1 ORDER BY 1
  LOOP
    IF NOT pg_has_role(session_user, 'quittance_system', 'MEMBER')
      AND book.id IS DISTINCT FROM current_merchant() THEN
      PERFORM ledger_fail('book_forbidden', NULL, format('the book %s is not yours', book.id));
    END IF;
    recorded := recorded + ledger_post_to_book(book.id, book.transfers);
  END LOOP;
  RETURN recorded;
END $$;

REVOKE ALL ON FUNCTION ledger_refuse_change, ledger_fail, ledger_field, ledger_encode_legs,
  ledger_encode_reference, ledger_encode, ledger_ms, ledger_time, ledger_stored_legs,
  ledger_lock_book, ledger_find_fault, ledger_find_pending_fault, ledger_apply,
  ledger_is_below_floor, ledger_post_to_book, ledger_post FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_post TO quittance_app, quittance_system;
