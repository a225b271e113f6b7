-- migrate:up

-- Every key begins with the tenant, foreign keys too: no row can point at another tenant's.
CREATE TABLE tenants (
    tenant_id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE,
    create_time timestamptz NOT NULL DEFAULT now()
);

INSERT INTO tenants (tenant_id, name) VALUES ('00000000-0000-7000-8000-000000000001', 'default');

-- Users, groups and whatever else is a SCIM resource: one table, since ids are unique over all
-- types, members are of several types and a query at the root asks for all of them.
CREATE TABLE resources (
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    -- A UUID of version 7: the order of ids is the order of creation.
    id uuid NOT NULL,
    -- 'User', 'Group'
    resource_type text NOT NULL,
    -- The folded value of the attribute that is unique in the resource type (userName).
    unique_key text COLLATE "C",
    external_id text COLLATE "C",
    -- What other resources show of this one, e.g. as a member.
    display text NOT NULL,
    active boolean NOT NULL,
    -- The user who manages this one, if the attribute holds a UUID. No foreign key: identity
    -- providers write managers in any order.
    manager_id uuid,
    -- Counts the changes; the etag is made from it.
    version bigint NOT NULL DEFAULT 1,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    -- The resource as a protobuf message, without what is derived (meta, groups, members).
    message bytea NOT NULL,
    -- The resource as a SCIM document, strings folded unless case matters: what filters read.
    search jsonb NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT resources_unique_key UNIQUE (tenant_id, resource_type, unique_key)
);

CREATE INDEX resources_in_order ON resources (tenant_id, resource_type, id);
CREATE INDEX resources_external_id ON resources (tenant_id, resource_type, external_id);
CREATE INDEX resources_create_time ON resources (tenant_id, resource_type, create_time, id);
CREATE INDEX resources_update_time ON resources (tenant_id, resource_type, update_time, id);
CREATE INDEX resources_manager ON resources (tenant_id, manager_id) WHERE manager_id IS NOT NULL;
CREATE INDEX resources_display_name
ON resources (tenant_id, resource_type, (search ->> 'displayName') COLLATE "C", id);

-- The search document under its tenant: so that an entry of the index below belongs to one
-- tenant, and what others store neither slows a lookup nor shows in its time.
CREATE FUNCTION tenant_document(tenant_id uuid, search jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN jsonb_build_object(tenant_id::text, search);

-- Serves `eq` on every attribute, extensions included.
CREATE INDEX resources_search ON resources
USING gin (tenant_document(tenant_id, search) jsonb_path_ops);

CREATE TABLE members (
    tenant_id uuid NOT NULL,
    group_id uuid NOT NULL,
    member_id uuid NOT NULL,
    create_time timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, group_id, member_id),
    CONSTRAINT members_group FOREIGN KEY (tenant_id, group_id)
    REFERENCES resources (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT members_member FOREIGN KEY (tenant_id, member_id)
    REFERENCES resources (tenant_id, id) ON DELETE CASCADE
);

CREATE INDEX members_by_member ON members (tenant_id, member_id, group_id);

CREATE TABLE passwords (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    -- argon2id, in PHC string format
    hash text NOT NULL,
    update_time timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES resources (tenant_id, id) ON DELETE CASCADE
);

-- One row for every resource that a transaction changed, written by that transaction.
CREATE TABLE changes (
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    revision bigint GENERATED ALWAYS AS IDENTITY,
    -- Readers order by it and stop below the oldest transaction that still runs: a revision is
    -- drawn before its transaction commits, so revisions alone would let a slow one be skipped.
    transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    change_time timestamptz NOT NULL,
    -- Who did it: the name of the credential.
    actor text NOT NULL,
    action text NOT NULL CHECK (action IN ('create', 'update', 'delete')),
    resource_type text NOT NULL,
    resource_id uuid NOT NULL,
    version bigint NOT NULL,
    -- The attributes that changed.
    attributes text [] NOT NULL,
    -- The resource afterwards; absent when it was deleted. The change before holds what was.
    message bytea,
    members_added uuid [] NOT NULL DEFAULT '{}',
    members_removed uuid [] NOT NULL DEFAULT '{}',
    -- Habits of the client that were put right on the way in.
    tolerances text [] NOT NULL DEFAULT '{}',
    PRIMARY KEY (tenant_id, revision)
);

CREATE INDEX changes_of_resource ON changes (tenant_id, resource_id, revision);
CREATE INDEX changes_in_order ON changes (tenant_id, transaction_id, revision);

-- Random keys that sign what clients hand back, e.g. page tokens.
CREATE TABLE signing_keys (
    purpose text PRIMARY KEY,
    key bytea NOT NULL
);

-- Answers to requests that carried a request id, for a day (AIP-155).
CREATE TABLE requests (
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    method text NOT NULL,
    request_id uuid NOT NULL,
    -- Keyed hash of the request: it may hold a password.
    fingerprint bytea NOT NULL,
    response bytea NOT NULL,
    create_time timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, method, request_id)
);

CREATE INDEX requests_create_time ON requests (create_time);

CREATE TABLE credentials (
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    id uuid NOT NULL,
    name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('token', 'basic')),
    -- SHA-256 of a token of 256 random bits
    token_hash bytea UNIQUE,
    user_name text,
    -- argon2id, in PHC string format
    password_hash text,
    create_time timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT credentials_user_name UNIQUE (tenant_id, user_name),
    CHECK ((kind = 'token') = (token_hash IS NOT NULL)),
    CHECK ((kind = 'basic') = (user_name IS NOT NULL AND password_hash IS NOT NULL))
);

-- migrate:down

DROP TABLE credentials, requests, signing_keys, changes, passwords, members, resources, tenants;
DROP FUNCTION tenant_document;
