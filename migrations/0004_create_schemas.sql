-- migrate:up

-- How often what extends the tenant's resource types has changed.
ALTER TABLE tenants ADD COLUMN schema_revision bigint NOT NULL DEFAULT 0;
-- The protobuf field that the next extension gets; none is given twice.
ALTER TABLE tenants ADD COLUMN next_extension_number int NOT NULL DEFAULT 1000;
-- The tenant's schema revision by which the row was written: a process that goes by an earlier
-- one must not write it again.
ALTER TABLE resources ADD COLUMN schema_revision bigint NOT NULL DEFAULT 0;

-- Schemas that an administrator has registered.
CREATE TABLE schemas (
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    -- The URN in lower case.
    urn text COLLATE "C" NOT NULL,
    -- What `changes` knows it by.
    id uuid NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    -- As a protobuf message, SchemaDefinition.
    definition bytea NOT NULL,
    PRIMARY KEY (tenant_id, urn)
);

-- The resource types that they extend.
CREATE TABLE schema_attachments (
    tenant_id uuid NOT NULL,
    urn text COLLATE "C" NOT NULL,
    resource_type text NOT NULL,
    -- The protobuf field of the resource.
    field_number int NOT NULL,
    required boolean NOT NULL,
    -- False once it is detached: resources keep their values.
    attached boolean NOT NULL DEFAULT TRUE,
    PRIMARY KEY (tenant_id, urn, resource_type),
    CONSTRAINT schema_attachments_field UNIQUE (tenant_id, field_number),
    CONSTRAINT schema_attachments_schema FOREIGN KEY (tenant_id, urn)
    REFERENCES schemas (tenant_id, urn) ON DELETE CASCADE
);

-- Values of registered attributes that only one resource may have, folded unless case matters.
CREATE TABLE unique_values (
    tenant_id uuid NOT NULL,
    -- The extension with its field number, and the attribute.
    attribute text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    resource_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, attribute, value),
    CONSTRAINT unique_values_resource FOREIGN KEY (tenant_id, resource_id)
    REFERENCES resources (tenant_id, id) ON DELETE CASCADE
);

CREATE INDEX unique_values_of_resource ON unique_values (tenant_id, resource_id);

-- migrate:down

DROP TABLE unique_values, schema_attachments, schemas;
ALTER TABLE resources DROP COLUMN schema_revision;
ALTER TABLE tenants DROP COLUMN next_extension_number, DROP COLUMN schema_revision;
