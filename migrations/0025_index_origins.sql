-- migrate:up transaction:false

-- Lists of what somebody manages, in the order of creation.
DROP INDEX CONCURRENTLY IF EXISTS resources_origin;
CREATE INDEX CONCURRENTLY resources_origin
ON resources (tenant_id, resource_type, origin, id);

-- The primary key has to be the youngest index (0002 says why). Built anew beside the old one it
-- is, and foreign keys go on using it.
REINDEX INDEX CONCURRENTLY resources_pkey;

-- migrate:down

DROP INDEX resources_origin;
