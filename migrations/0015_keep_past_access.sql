-- migrate:up

-- Memberships that have ended; those that last are in `members`. What `changes` tells of them, by
-- who was a member: so that a past moment is as cheap to ask about as the present.
CREATE TABLE past_members (
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    member_id uuid NOT NULL,
    group_id uuid NOT NULL,
    create_time timestamptz NOT NULL,
    end_time timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, member_id, end_time, group_id)
);

-- The time of the statement: that of the transaction's begin may be before that of what it found.
ALTER TABLE members ALTER COLUMN create_time SET DEFAULT clock_timestamp();

CREATE FUNCTION keep_past_members() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO past_members (tenant_id, member_id, group_id, create_time, end_time)
    SELECT g.tenant_id, g.member_id, g.group_id, g.create_time, clock_timestamp()
    FROM gone AS g
    WHERE EXISTS (SELECT FROM tenants AS t WHERE t.tenant_id = g.tenant_id)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;

CREATE TRIGGER members_kept_on_delete AFTER DELETE ON members
REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION keep_past_members();

-- Assignments as they were: when they were revoked, or when they came to end or to count otherwise.
CREATE TABLE past_role_assignments (
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    id uuid NOT NULL,
    principal_id uuid NOT NULL,
    role_type text NOT NULL,
    value text NOT NULL,
    type_key text COLLATE "C" NOT NULL,
    value_key text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    granted_by text NOT NULL,
    create_time timestamptz NOT NULL,
    expire_time timestamptz,
    pending boolean NOT NULL,
    -- From when to when it was like this.
    since_time timestamptz NOT NULL,
    end_time timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, principal_id, end_time, id)
);

-- Since when it is as it is.
ALTER TABLE role_assignments ADD COLUMN since_time timestamptz;
SELECT for_each_tenant('UPDATE role_assignments SET since_time = create_time');
ALTER TABLE role_assignments
ALTER COLUMN since_time SET DEFAULT clock_timestamp(),
ALTER COLUMN since_time SET NOT NULL;

CREATE FUNCTION keep_past_role_assignments() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO past_role_assignments (
        tenant_id, id, principal_id, role_type, value, type_key, value_key, source, granted_by,
        create_time, expire_time, pending, since_time, end_time
    )
    SELECT
        g.tenant_id, g.id, g.principal_id, g.role_type, g.value, g.type_key, g.value_key, g.source,
        g.granted_by, g.create_time, g.expire_time, g.pending, g.since_time, clock_timestamp()
    FROM gone AS g
    WHERE EXISTS (SELECT FROM tenants AS t WHERE t.tenant_id = g.tenant_id)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;

CREATE TRIGGER role_assignments_kept_on_delete AFTER DELETE ON role_assignments
REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION keep_past_role_assignments();
CREATE TRIGGER role_assignments_kept_on_update AFTER UPDATE ON role_assignments
REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION keep_past_role_assignments();

CREATE FUNCTION begin_role_assignment() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.since_time := clock_timestamp();
    RETURN NEW;
END
$$;

CREATE TRIGGER role_assignments_begin_anew BEFORE UPDATE ON role_assignments
FOR EACH ROW EXECUTE FUNCTION begin_role_assignment();

-- What a resource was at a moment.
CREATE INDEX changes_of_resource_in_time ON changes (tenant_id, resource_id, change_time, revision);

SELECT isolate_tenant('past_members');
SELECT isolate_tenant('past_role_assignments');

-- Memberships that ended before this table was there.
SELECT for_each_tenant($statement$
    INSERT INTO past_members (tenant_id, member_id, group_id, create_time, end_time)
    SELECT tenant_id, member_id, group_id, change_time, end_time
    FROM (
        SELECT
            e.*,
            lead(e.change_time) OVER each_member AS end_time,
            lead(e.comes) OVER each_member AS comes_again
        FROM (
            SELECT
                c.tenant_id, c.resource_id AS group_id, m.id AS member_id, c.change_time,
                c.revision, m.comes
            FROM changes AS c
            CROSS JOIN LATERAL (
                SELECT a.id, TRUE AS comes FROM unnest(c.members_added) AS a (id)
                UNION ALL
                SELECT r.id, FALSE FROM unnest(c.members_removed) AS r (id)
            ) AS m
            UNION ALL
            SELECT d.tenant_id, d.resource_id, a.id, d.change_time, d.revision, FALSE
            FROM changes AS d
            JOIN changes AS c ON c.tenant_id = d.tenant_id AND c.resource_id = d.resource_id
            CROSS JOIN LATERAL unnest(c.members_added) AS a (id)
            WHERE d.action = 'delete'
        ) AS e
        WINDOW each_member AS (PARTITION BY e.group_id, e.member_id ORDER BY e.revision)
    ) AS spans
    WHERE comes AND NOT comes_again
    ON CONFLICT DO NOTHING
$statement$);

-- migrate:down

DROP INDEX changes_of_resource_in_time;
DROP TRIGGER role_assignments_begin_anew ON role_assignments;
DROP TRIGGER role_assignments_kept_on_update ON role_assignments;
DROP TRIGGER role_assignments_kept_on_delete ON role_assignments;
DROP TRIGGER members_kept_on_delete ON members;
DROP FUNCTION begin_role_assignment, keep_past_role_assignments, keep_past_members;
ALTER TABLE role_assignments DROP COLUMN since_time;
ALTER TABLE members ALTER COLUMN create_time SET DEFAULT now();
DROP TABLE past_role_assignments, past_members;
