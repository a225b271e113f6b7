-- migrate:up

-- What has expired is looked for in all tenants.
SELECT admit_across_tenants('role_assignments', 'SELECT');
CREATE INDEX role_assignments_expiry
ON role_assignments (expire_time) WHERE expire_time IS NOT NULL;

-- Lists of what one source says.
CREATE INDEX role_assignments_of_source ON role_assignments (tenant_id, source, id);

-- migrate:down

DROP INDEX role_assignments_of_source, role_assignments_expiry;
DROP POLICY across_tenants_select ON role_assignments;
