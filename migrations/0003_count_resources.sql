-- migrate:up

-- How many resources a tenant has of each type, in slots: transactions that add or remove some
-- wait for one another only when they share a slot. The sum is exact in every snapshot.
CREATE TABLE resource_counts (
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    resource_type text NOT NULL,
    slot int NOT NULL,
    resources bigint NOT NULL,
    PRIMARY KEY (tenant_id, resource_type, slot)
);

CREATE FUNCTION count_resources() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    step int := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
BEGIN
    INSERT INTO resource_counts AS c (tenant_id, resource_type, slot, resources)
    SELECT r.tenant_id, r.resource_type, pg_backend_pid() % 32, step * count(*)
    FROM touched AS r
    WHERE EXISTS (SELECT FROM tenants AS t WHERE t.tenant_id = r.tenant_id)
    GROUP BY r.tenant_id, r.resource_type
    ORDER BY r.tenant_id, r.resource_type
    ON CONFLICT (tenant_id, resource_type, slot)
    DO UPDATE SET resources = c.resources + excluded.resources;
    RETURN NULL;
END
$$;

CREATE TRIGGER resources_counted_on_insert AFTER INSERT ON resources
REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION count_resources();

CREATE TRIGGER resources_counted_on_delete AFTER DELETE ON resources
REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION count_resources();

INSERT INTO resource_counts (tenant_id, resource_type, slot, resources)
SELECT tenant_id, resource_type, 0, count(*) FROM resources GROUP BY tenant_id, resource_type;

-- Where a walk by startIndex has come to, so that its next step need not count its way there.
-- Not logged: after a crash the next step does count.
CREATE UNLOGGED TABLE bookmarks (
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    -- Identifies the list: its type, filter and order.
    list text NOT NULL,
    -- How many resources come before.
    place bigint NOT NULL,
    -- Sort key and id of the last of them.
    key text,
    id uuid NOT NULL,
    create_time timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, list, place)
);

CREATE INDEX bookmarks_create_time ON bookmarks (create_time);

-- migrate:down

DROP TABLE bookmarks, resource_counts;
DROP TRIGGER resources_counted_on_insert ON resources;
DROP TRIGGER resources_counted_on_delete ON resources;
DROP FUNCTION count_resources;
