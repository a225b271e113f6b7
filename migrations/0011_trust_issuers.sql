-- migrate:up

-- Others whose tokens are credentials of a tenant.
CREATE TABLE issuers (
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    id uuid NOT NULL,
    name text NOT NULL,
    -- Its URL: the claim "iss"
    issuer text NOT NULL,
    -- The rollbook.v1.Issuer
    message bytea NOT NULL,
    create_time timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);

-- What finds the issuer, and so the tenant, of a token.
CREATE TABLE issuer_audiences (
    tenant_id uuid NOT NULL,
    -- SHA-256 of issuer and audience
    digest bytea NOT NULL,
    issuer_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, digest),
    FOREIGN KEY (tenant_id, issuer_id) REFERENCES issuers (tenant_id, id) ON DELETE CASCADE
);

CREATE INDEX issuer_audiences_by_digest ON issuer_audiences (digest);
CREATE INDEX issuer_audiences_of_issuer ON issuer_audiences (tenant_id, issuer_id);

SELECT isolate_tenant('issuers');
SELECT isolate_tenant('issuer_audiences');
SELECT admit_across_tenants('issuers', 'SELECT');
SELECT admit_across_tenants('issuer_audiences', 'SELECT');

-- migrate:down

DROP TABLE issuer_audiences, issuers;
