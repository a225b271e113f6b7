-- migrate:up

-- How identity providers provision a tenant over SCIM: one row for each of them.
CREATE TABLE connections (
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    id uuid NOT NULL,
    name text NOT NULL,
    -- The one that credentials use which belong to no other.
    is_default boolean NOT NULL DEFAULT false,
    enabled boolean NOT NULL DEFAULT true,
    -- What the settings file said of `enabled` at the last start: only a change of it counts.
    configured_enabled boolean,
    -- NULL: that of the gateway.
    dialect text,
    require_email_user_names boolean NOT NULL DEFAULT false,
    adoption text NOT NULL DEFAULT 'refuse' CHECK (adoption IN ('refuse', 'link')),
    lock_synced boolean NOT NULL DEFAULT false,
    -- In CIDR notation; none: from everywhere.
    ip_allow_list text [] NOT NULL DEFAULT '{}',
    redirect_uris text [] NOT NULL DEFAULT '{}',
    version bigint NOT NULL DEFAULT 1,
    create_time timestamptz NOT NULL DEFAULT now(),
    update_time timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT connections_name UNIQUE (tenant_id, name)
);

CREATE UNIQUE INDEX connections_default ON connections (tenant_id) WHERE is_default;

SELECT isolate_tenant('connections');

ALTER TABLE credentials
-- The connection that it is for; NULL: the default one.
ADD COLUMN connection_id uuid,
ADD CONSTRAINT credentials_connection FOREIGN KEY (tenant_id, connection_id)
-- Those of a connection are revoked before it goes.
REFERENCES connections (tenant_id, id) ON DELETE SET NULL (connection_id);

CREATE INDEX credentials_of_connection ON credentials (tenant_id, connection_id)
WHERE connection_id IS NOT NULL;

SELECT for_each_tenant($$
    INSERT INTO connections (tenant_id, id, name, is_default)
    VALUES (served_tenant(), gen_random_uuid(), 'default', true)
$$);

-- Until now identity providers were one source of roles.
SELECT for_each_tenant($$
    UPDATE role_assignments AS a SET source = 'scim:' || c.id
    FROM connections AS c WHERE c.tenant_id = a.tenant_id AND a.source = 'scim:default'
$$);

-- Whoever makes a tenant makes its first connection, without having to know of it.
CREATE FUNCTION add_default_connection() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    served text := current_setting('rollbook.tenant_id', true);
BEGIN
    -- The row is the new tenant's, whichever the session serves.
    PERFORM set_config('rollbook.tenant_id', NEW.tenant_id::text, true);
    INSERT INTO connections (tenant_id, id, name, is_default)
    VALUES (NEW.tenant_id, gen_random_uuid(), 'default', true);
    PERFORM set_config('rollbook.tenant_id', coalesce(served, ''), true);
    RETURN NULL;
END
$$;

CREATE TRIGGER tenants_have_a_connection AFTER INSERT ON tenants
FOR EACH ROW EXECUTE FUNCTION add_default_connection();

-- migrate:down

DROP TRIGGER tenants_have_a_connection ON tenants;
DROP FUNCTION add_default_connection;
SELECT for_each_tenant($$
    UPDATE role_assignments AS a SET source = 'scim:default'
    FROM connections AS c
    WHERE c.tenant_id = a.tenant_id AND c.is_default AND a.source = 'scim:' || c.id
$$);

-- The release before this one would take them for the default connection's.
SELECT for_each_tenant('DELETE FROM credentials WHERE connection_id IS NOT NULL');
ALTER TABLE credentials DROP CONSTRAINT credentials_connection, DROP COLUMN connection_id;
DROP TABLE connections;
