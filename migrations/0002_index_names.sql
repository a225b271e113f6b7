-- migrate:up

-- The same document as before from a function that the planner puts into the query: called as a
-- function it took ten times as long, on every write and for every row that the index finds.
-- STRICT would keep it from being inlined; neither column is ever NULL.
CREATE OR REPLACE FUNCTION tenant_document(tenant_id uuid, search jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN jsonb_set('{}', ARRAY[tenant_id::text], search);

-- Without a list of pending entries, which every lookup would read to its end: with it a lookup
-- took six times as long after some thousand writes, and single writes up to 0.2 s.
ALTER INDEX resources_search SET (fastupdate = off);
SELECT gin_clean_pending_list('resources_search'::regclass);

-- Lists by name and prefixes of names (`sw`). A missing name has the greatest key, so that it
-- comes last and the key is never NULL: service/storage/search_sql.py says how.
DROP INDEX resources_display_name;

CREATE INDEX resources_display_name ON resources (
    tenant_id,
    resource_type,
    (coalesce('0' || (search ->> 'displayName'), '1')) COLLATE "C",
    id
);
CREATE INDEX resources_family_name ON resources (
    tenant_id,
    resource_type,
    (coalesce('0' || (search -> 'name' ->> 'familyName'), '1')) COLLATE "C",
    id
);
CREATE INDEX resources_given_name ON resources (
    tenant_id,
    resource_type,
    (coalesce('0' || (search -> 'name' ->> 'givenName'), '1')) COLLATE "C",
    id
);

-- The primary key has to be the youngest index. While the table is nearly empty all indexes cost
-- the same, and the planner then takes the youngest; foreign keys keep the plan that they made
-- then, and by another index each of their checks would read the whole tenant.
ALTER TABLE members DROP CONSTRAINT members_group, DROP CONSTRAINT members_member;
ALTER TABLE passwords DROP CONSTRAINT passwords_tenant_id_user_id_fkey;
ALTER TABLE resources DROP CONSTRAINT resources_pkey, ADD PRIMARY KEY (tenant_id, id);
ALTER TABLE members
ADD CONSTRAINT members_group FOREIGN KEY (tenant_id, group_id)
REFERENCES resources (tenant_id, id) ON DELETE CASCADE,
ADD CONSTRAINT members_member FOREIGN KEY (tenant_id, member_id)
REFERENCES resources (tenant_id, id) ON DELETE CASCADE;
ALTER TABLE passwords
ADD FOREIGN KEY (tenant_id, user_id) REFERENCES resources (tenant_id, id) ON DELETE CASCADE;

-- migrate:down

DROP INDEX resources_given_name, resources_family_name, resources_display_name;

ALTER INDEX resources_search RESET (fastupdate);

CREATE INDEX resources_display_name
ON resources (tenant_id, resource_type, (search ->> 'displayName') COLLATE "C", id);

CREATE OR REPLACE FUNCTION tenant_document(tenant_id uuid, search jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN jsonb_build_object(tenant_id::text, search);
