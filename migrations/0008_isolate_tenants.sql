-- migrate:up

-- The tenant that the session serves: NULL, which equals no tenant, until it has said so.
CREATE FUNCTION served_tenant() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('rollbook.tenant_id', TRUE), '')::uuid;

-- What a session serves that serves no tenant, but has to find out which one it is about.
ALTER TABLE tenants ADD CONSTRAINT tenants_not_nil
CHECK (tenant_id <> '00000000-0000-0000-0000-000000000000');

CREATE FUNCTION serves_no_tenant() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN served_tenant() = '00000000-0000-0000-0000-000000000000';

-- Every table with a tenant_id is isolated, by the migration that makes it: a session sees and
-- writes the rows of the tenant that it serves, even as the owner of the table.
CREATE FUNCTION isolate_tenant(relation regclass) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', relation
    );
    EXECUTE format('CREATE POLICY isolation ON %s USING (tenant_id = served_tenant())', relation);
END
$$;

-- Lets sessions that serve no tenant SELECT or DELETE rows of all tenants: only where somebody
-- must be found before the tenant is known, or what is old forgotten.
CREATE FUNCTION admit_across_tenants(relation regclass, command text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'CREATE POLICY %I ON %s FOR %s USING (serves_no_tenant())',
        'across_tenants_' || lower(command), relation, command
    );
END
$$;

-- Runs a statement of a migration on the rows of one tenant after the other: without it a
-- statement finds no rows.
CREATE FUNCTION for_each_tenant(statement text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    each_tenant uuid;
BEGIN
    PERFORM set_config('rollbook.tenant_id', '00000000-0000-0000-0000-000000000000', TRUE);
    FOR each_tenant IN SELECT tenant_id FROM tenants ORDER BY tenant_id LOOP
        PERFORM set_config('rollbook.tenant_id', each_tenant::text, TRUE);
        EXECUTE statement;
    END LOOP;
    PERFORM set_config('rollbook.tenant_id', '', TRUE);
END
$$;

DO $$
DECLARE
    relation regclass;
BEGIN
    FOR relation IN
        SELECT c.oid FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
        AND a.attname = 'tenant_id' AND NOT a.attisdropped
    LOOP
        PERFORM isolate_tenant(relation);
    END LOOP;
END
$$;

SELECT admit_across_tenants('tenants', 'SELECT');
SELECT admit_across_tenants('credentials', 'SELECT');
SELECT admit_across_tenants('requests', 'SELECT');
SELECT admit_across_tenants('requests', 'DELETE');
SELECT admit_across_tenants('bookmarks', 'SELECT');
SELECT admit_across_tenants('bookmarks', 'DELETE');

-- What filters read. PostgreSQL uses an index under row-level security only for operators that it
-- knows to be leakproof, and those of JSON are none. The views show the same rows, by a condition
-- that no statement can leave out: service/storage/isolation.py gives them to a role for which no
-- policy stands before the condition. Nobody can act as that role.
CREATE VIEW tenant_resources AS SELECT * FROM resources WHERE tenant_id = served_tenant();
CREATE VIEW tenant_members AS SELECT * FROM members WHERE tenant_id = served_tenant();

-- migrate:down

DROP VIEW tenant_members, tenant_resources;

DO $$
DECLARE
    policy record;
BEGIN
    FOR policy IN
        SELECT p.polname AS name, p.polrelid::regclass AS relation
        FROM pg_policy AS p JOIN pg_class AS c ON c.oid = p.polrelid
        WHERE c.relnamespace = current_schema()::regnamespace
    LOOP
        EXECUTE format('DROP POLICY %I ON %s', policy.name, policy.relation);
        EXECUTE format(
            'ALTER TABLE %s DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY',
            policy.relation
        );
    END LOOP;
END
$$;

DROP FUNCTION for_each_tenant, admit_across_tenants, isolate_tenant;
ALTER TABLE tenants DROP CONSTRAINT tenants_not_nil;
DROP FUNCTION serves_no_tenant, served_tenant;
