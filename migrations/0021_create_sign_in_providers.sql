-- migrate:up

-- OpenID providers by which administrators of a tenant sign in.
CREATE TABLE sign_in_providers (
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    id uuid NOT NULL,
    -- Part of the redirect URI
    name text COLLATE "C" NOT NULL,
    enabled boolean NOT NULL,
    -- The rollbook.v1.SignInProvider
    message bytea NOT NULL,
    -- Encrypted: it has to be shown to the provider. NULL: there is none.
    client_secret bytea,
    version bigint NOT NULL DEFAULT 1,
    create_time timestamptz NOT NULL DEFAULT now(),
    update_time timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT sign_in_providers_name UNIQUE (tenant_id, name)
);

-- Browsers that were sent to a provider and have not come back.
CREATE TABLE pending_sign_ins (
    tenant_id uuid NOT NULL,
    -- SHA-256 of `state`, which is 256 random bits
    hash bytea NOT NULL,
    provider_id uuid NOT NULL,
    -- SHA-256 of what the browser keeps
    session_hash bytea NOT NULL,
    -- What the client asks for, a rollbook.v1.OAuthAuthorizationRequest: where to go on.
    authorization_request bytea NOT NULL,
    expire_time timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, hash),
    CONSTRAINT pending_sign_ins_provider FOREIGN KEY (tenant_id, provider_id)
    REFERENCES sign_in_providers (tenant_id, id) ON DELETE CASCADE
);

CREATE INDEX pending_sign_ins_by_hash ON pending_sign_ins (hash);
CREATE INDEX pending_sign_ins_of_provider ON pending_sign_ins (tenant_id, provider_id);
CREATE INDEX pending_sign_ins_expire_time ON pending_sign_ins (tenant_id, expire_time);

-- Who has signed in by a provider is signed out with it.
ALTER TABLE sign_ins
ADD COLUMN provider_id uuid,
ADD CONSTRAINT sign_ins_provider FOREIGN KEY (tenant_id, provider_id)
REFERENCES sign_in_providers (tenant_id, id) ON DELETE CASCADE;

CREATE INDEX sign_ins_of_provider ON sign_ins (tenant_id, provider_id)
WHERE provider_id IS NOT NULL;

SELECT isolate_tenant('sign_in_providers');
SELECT isolate_tenant('pending_sign_ins');
-- `state` tells whose a browser is that comes back.
SELECT admit_across_tenants('pending_sign_ins', 'SELECT');

-- migrate:down

-- The release before this one would not sign them out.
SELECT for_each_tenant('DELETE FROM sign_ins WHERE provider_id IS NOT NULL');

DROP INDEX sign_ins_of_provider;
ALTER TABLE sign_ins DROP CONSTRAINT sign_ins_provider, DROP COLUMN provider_id;
DROP TABLE pending_sign_ins, sign_in_providers;
