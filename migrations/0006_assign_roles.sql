-- migrate:up

-- What the tenant's roles may be; no row: free form.
CREATE TABLE role_catalogues (
    tenant_id uuid PRIMARY KEY REFERENCES tenants ON DELETE CASCADE,
    -- What `changes` knows it by.
    id uuid NOT NULL,
    version bigint NOT NULL,
    update_time timestamptz NOT NULL,
    -- As a protobuf message, RoleCatalogue.
    catalogue bytea NOT NULL
);

-- What roles can be on, as products tell: workspaces, secret scopes.
CREATE TABLE role_scopes (
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    -- The pattern of the role types on it, folded: workspace_<name>.
    pattern_key text COLLATE "C" NOT NULL,
    -- What stands for the name in it, folded.
    name_key text COLLATE "C" NOT NULL,
    name text NOT NULL,
    display text,
    registered_by text NOT NULL,
    create_time timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, pattern_key, name_key)
);

-- Who has which role, and who says so. The message of the principal shows the union over all
-- sources; every writer of these rows holds the principal's row.
CREATE TABLE role_assignments (
    tenant_id uuid NOT NULL,
    -- A UUID of version 7: the order of ids is the order of creation.
    id uuid NOT NULL,
    principal_id uuid NOT NULL,
    -- As shown; empty when a role has no type.
    role_type text NOT NULL,
    value text NOT NULL,
    -- The same, folded.
    type_key text COLLATE "C" NOT NULL,
    value_key text COLLATE "C" NOT NULL,
    display text,
    -- NULL when nobody has said.
    is_primary boolean,
    -- 'scim:<connection>', 'manual', 'import', 'product:<name>'
    source text COLLATE "C" NOT NULL,
    -- The name of the credential.
    granted_by text NOT NULL,
    create_time timestamptz NOT NULL DEFAULT now(),
    -- Counts no more from then on, whether or not the row is still there.
    expire_time timestamptz,
    -- Does not count before its scope is registered.
    pending boolean NOT NULL DEFAULT FALSE,
    PRIMARY KEY (tenant_id, id),
    -- Finds the roles of a principal, too.
    CONSTRAINT role_assignments_role
    UNIQUE (tenant_id, principal_id, type_key, value_key, source),
    CONSTRAINT role_assignments_principal FOREIGN KEY (tenant_id, principal_id)
    REFERENCES resources (tenant_id, id) ON DELETE CASCADE
);

CREATE INDEX role_assignments_by_role
ON role_assignments (tenant_id, type_key, value_key, principal_id);
CREATE INDEX role_assignments_expire_time
ON role_assignments (tenant_id, expire_time) WHERE expire_time IS NOT NULL;
CREATE INDEX role_assignments_pending
ON role_assignments (tenant_id, type_key) WHERE pending;

-- Until now roles came from identity providers. What case they were written in only their
-- messages know; it does not matter, and the next write of a user's roles brings it back.
INSERT INTO role_assignments (
    tenant_id, id, principal_id, role_type, value, type_key, value_key, display, is_primary,
    source, granted_by
)
SELECT
    r.tenant_id, gen_random_uuid(), r.id,
    coalesce(role ->> 'type', ''), role ->> 'value',
    coalesce(role ->> 'type', ''), role ->> 'value',
    role ->> 'display', (role ->> 'primary')::boolean, 'scim:default', 'migration'
FROM resources AS r
CROSS JOIN LATERAL jsonb_array_elements(r.search -> 'roles') AS role
WHERE r.resource_type = 'User' AND role ->> 'value' <> ''
AND octet_length(role ->> 'value') + coalesce(octet_length(role ->> 'type'), 0) <= 1500
ON CONFLICT DO NOTHING;

-- migrate:down

DROP TABLE role_assignments, role_scopes, role_catalogues;
