-- migrate:up

ALTER TABLE tenants
-- What people call it.
ADD COLUMN display_name text NOT NULL DEFAULT '',
-- Since when none of its credentials is good for anything.
ADD COLUMN suspend_time timestamptz,
-- Since when it is being deleted, which takes several transactions.
ADD COLUMN delete_time timestamptz,
ADD COLUMN update_time timestamptz NOT NULL DEFAULT now(),
-- Counts the changes of this row by administrators.
ADD COLUMN version bigint NOT NULL DEFAULT 1;

-- Names of hosts that are one tenant's alone.
CREATE TABLE tenant_hosts (
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    -- In lower case.
    host text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, host),
    CONSTRAINT tenant_hosts_host UNIQUE (host)
);

SELECT isolate_tenant('tenant_hosts');
SELECT admit_across_tenants('tenant_hosts', 'SELECT');

-- migrate:down

-- The release before this one would let them in.
SELECT for_each_tenant('DELETE FROM tenants WHERE suspend_time IS NOT NULL');

DROP TABLE tenant_hosts;
ALTER TABLE tenants
DROP COLUMN version,
DROP COLUMN update_time,
DROP COLUMN delete_time,
DROP COLUMN suspend_time,
DROP COLUMN display_name;
