-- Lists for screening (docs/adr/0015-screening.md). They are the instance's: no merchant owns one,
-- every merchant's payments and customers are compared with the same.

CREATE TABLE screening_list (
  name          text PRIMARY KEY CHECK (name ~ '^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$'),
  title         text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
  -- What a hit means, where the entry itself does not say it.
  purpose       text NOT NULL CHECK (purpose IN ('sanctions', 'pep', 'attribution', 'other')),
  -- From this age of the active version on, operators are told.
  max_age_hours integer NOT NULL CHECK (max_age_hours BETWEEN 1 AND 87600),
  created_by    text NOT NULL,
  created_at    timestamptz NOT NULL,
  updated_at    timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON screening_list TO quittance_system;

-- What was imported at one time of one list. Its entries never change once it is imported.
CREATE TABLE screening_list_version (
  id            uuid PRIMARY KEY,
  list          text NOT NULL REFERENCES screening_list (name),
  format        text NOT NULL,
  state         text NOT NULL CHECK (state IN ('uploading', 'queued', 'importing', 'failed',
                'imported', 'approved', 'active', 'retired', 'rejected')),
  -- Who wants it to be active; somebody else has to sign it off.
  proposed_by   text NOT NULL,
  created_at    timestamptz NOT NULL,
  -- An import under way: its number and until when nobody else begins another.
  attempt       integer NOT NULL DEFAULT 0 CHECK (attempt >= 0),
  claimed_until timestamptz,
  error         text,
  -- Name, bytes and SHA-256 of each file.
  sources       jsonb NOT NULL DEFAULT '[]',
  -- SHA-256 of all entries as they are stored.
  digest        bytea CHECK (length(digest) = 32),
  entry_count   integer,
  name_count    integer,
  address_count integer,
  finding_count integer,
  -- The first of them.
  findings      jsonb NOT NULL DEFAULT '[]',
  imported_at   timestamptz,
  -- What differs from the version that was active when it was compared; compared_to null: from none.
  delta         jsonb,
  compared_to   uuid REFERENCES screening_list_version (id),
  signed_off_by text,
  signed_off_at timestamptz,
  effective_at  timestamptz,
  activated_at  timestamptz,
  retired_at    timestamptz,
  entries_removed_at timestamptz,
  CHECK (state NOT IN ('imported', 'approved', 'active', 'retired') OR
         (digest IS NOT NULL AND entry_count > 0 AND imported_at IS NOT NULL)),
  CHECK (state NOT IN ('approved', 'active') OR
         (signed_off_by IS NOT NULL AND effective_at IS NOT NULL AND signed_off_by <> proposed_by)),
  CHECK (state NOT IN ('active', 'retired') OR activated_at IS NOT NULL),
  CHECK (state <> 'failed' OR error IS NOT NULL)
);
CREATE UNIQUE INDEX screening_list_version_active ON screening_list_version (list)
  WHERE state = 'active';
CREATE INDEX screening_list_version_of ON screening_list_version (list, id);
CREATE INDEX screening_list_version_work ON screening_list_version (state)
  WHERE state IN ('queued', 'importing', 'imported', 'approved');
GRANT SELECT, INSERT, UPDATE ON screening_list_version TO quittance_system;

-- A part of a file that is being uploaded; gone once the import has ended.
CREATE TABLE screening_upload_part (
  version_id uuid NOT NULL REFERENCES screening_list_version (id),
  file       text NOT NULL,
  part       integer NOT NULL CHECK (part >= 0),
  body       bytea NOT NULL,
  PRIMARY KEY (version_id, file, part)
);
ALTER TABLE screening_upload_part ALTER COLUMN body SET STORAGE EXTERNAL;
GRANT SELECT, INSERT, UPDATE, DELETE ON screening_upload_part TO quittance_system;

-- Entries of a version, some hundred in a row: JSON lines under gzip.
CREATE TABLE screening_entry_chunk (
  version_id  uuid NOT NULL REFERENCES screening_list_version (id),
  attempt     integer NOT NULL,
  chunk       integer NOT NULL CHECK (chunk >= 0),
  entry_count integer NOT NULL CHECK (entry_count > 0),
  body        bytea NOT NULL,
  PRIMARY KEY (version_id, attempt, chunk)
);
ALTER TABLE screening_entry_chunk ALTER COLUMN body SET STORAGE EXTERNAL;
GRANT SELECT, INSERT, DELETE ON screening_entry_chunk TO quittance_system;

-- Each change of what is active. The highest epoch names the set of lists that is in force.
CREATE TABLE screening_switch (
  epoch        bigint PRIMARY KEY CHECK (epoch > 0),
  list         text NOT NULL REFERENCES screening_list (name),
  from_version uuid REFERENCES screening_list_version (id),
  to_version   uuid NOT NULL REFERENCES screening_list_version (id),
  switched_at  timestamptz NOT NULL
);
CREATE INDEX screening_switch_of ON screening_switch (list, epoch);
GRANT SELECT, INSERT ON screening_switch TO quittance_system;

-- Everybody is screened again after a switch: how far that has come. A later switch takes the place
-- of an earlier one that is not finished.
CREATE TABLE screening_rescreen (
  epoch         bigint PRIMARY KEY REFERENCES screening_switch (epoch),
  state         text NOT NULL CHECK (state IN ('open', 'done', 'superseded')),
  -- Where the next page begins; null: at the beginning.
  position      text,
  screened      bigint NOT NULL CHECK (screened >= 0),
  claimed_until timestamptz,
  created_at    timestamptz NOT NULL,
  finished_at   timestamptz,
  CHECK ((state = 'open') = (finished_at IS NULL))
);
CREATE INDEX screening_rescreen_open ON screening_rescreen (epoch) WHERE state = 'open';
GRANT SELECT, INSERT, UPDATE ON screening_rescreen TO quittance_system;

-- A merchant's own addresses: to be blocked, or known to be harmless.
CREATE TABLE screening_own_address (
  merchant_id uuid NOT NULL REFERENCES merchant (id),
  id          uuid NOT NULL UNIQUE,
  -- As it is compared: bech32 and hexadecimal in small letters.
  address     text NOT NULL CHECK (length(address) BETWEEN 1 AND 150),
  asset       text NOT NULL CHECK (asset ~ '^[A-Z0-9]{2,10}$'),
  verdict     text NOT NULL CHECK (verdict IN ('block', 'allow')),
  reason      text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
  created_by  text NOT NULL,
  created_at  timestamptz NOT NULL,
  removed_by  text,
  removed_at  timestamptz,
  PRIMARY KEY (merchant_id, id),
  CHECK ((removed_by IS NULL) = (removed_at IS NULL))
);
CREATE UNIQUE INDEX screening_own_address_current ON screening_own_address (merchant_id, address)
  WHERE removed_at IS NULL;
CALL protect_tenant_table('screening_own_address');
GRANT SELECT, INSERT, UPDATE ON screening_own_address TO quittance_app, quittance_system;
