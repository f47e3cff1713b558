-- Roles are made before the first migration (platform/db/roles.ts):
--   owner             runs the migrations and owns every table; no process works as owner
--   quittance_app     what API requests run as: row-level security shows it one merchant
--   quittance_system  what the watcher, the workers and instance administration run as
-- Neither may update or delete what the law calls append-only (design §3, law 2).
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO quittance_app, quittance_system;

-- The merchant that the present transaction acts for; null outside asTenant().
CREATE FUNCTION current_merchant() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT nullif(current_setting('quittance.merchant_id', true), '')::uuid $$;

-- Shuts a table to all but its own merchant's rows for quittance_app, opens it to quittance_system.
CREATE PROCEDURE protect_tenant_table(table_name regclass, merchant_column name DEFAULT 'merchant_id')
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', table_name);
  EXECUTE format('CREATE POLICY own_rows ON %s TO quittance_app USING (%I = current_merchant())'
    ' WITH CHECK (%I = current_merchant())', table_name, merchant_column, merchant_column);
  EXECUTE format('CREATE POLICY every_row ON %s TO quittance_system USING (true) WITH CHECK (true)',
    table_name);
END $$;
