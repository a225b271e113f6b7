-- migrate:up

-- Clients of the authorization server.
CREATE TABLE oauth_clients (
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    -- What `changes` knows it by; the order of ids is the order of creation.
    id uuid NOT NULL,
    -- What the client and the rest of the world know it by: 256 random bits in hexadecimal.
    client_id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    authentication text NOT NULL
    CHECK (authentication IN ('secret', 'private_key_jwt', 'none')),
    -- SHA-256 of a secret of 256 random bits
    secret_hash bytea,
    redirect_uris text [] NOT NULL,
    scopes text [] NOT NULL,
    client_credentials boolean NOT NULL,
    -- A JWK Set, or where it is
    jwks jsonb,
    jwks_uri text,
    access_lifetime interval NOT NULL,
    refresh_lifetime interval NOT NULL,
    rotate boolean NOT NULL,
    grace interval NOT NULL,
    -- The SCIM connection that it is for, which it goes with; NULL: the default one.
    connection_id uuid,
    create_time timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    -- The tenant of a request is found by it.
    CONSTRAINT oauth_clients_client_id UNIQUE (client_id),
    CONSTRAINT oauth_clients_connection FOREIGN KEY (tenant_id, connection_id)
    REFERENCES connections (tenant_id, id) ON DELETE CASCADE,
    CHECK ((authentication = 'secret') = (secret_hash IS NOT NULL)),
    CHECK ((authentication = 'private_key_jwt') = (jwks IS NOT NULL OR jwks_uri IS NOT NULL))
);

CREATE INDEX oauth_clients_of_connection ON oauth_clients (tenant_id, connection_id)
WHERE connection_id IS NOT NULL;

-- What administrators consented to: tokens that a client has for it stand and fall with it.
CREATE TABLE oauth_grants (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    client_id uuid NOT NULL,
    scopes text [] NOT NULL,
    -- The user who consented; NULL: the holder of an API token.
    principal_id uuid,
    create_time timestamptz NOT NULL DEFAULT now(),
    revoke_time timestamptz,
    version bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT oauth_grants_client FOREIGN KEY (tenant_id, client_id)
    REFERENCES oauth_clients (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT oauth_grants_principal FOREIGN KEY (tenant_id, principal_id)
    REFERENCES resources (tenant_id, id) ON DELETE CASCADE
);

CREATE INDEX oauth_grants_of_client ON oauth_grants (tenant_id, client_id);
CREATE INDEX oauth_grants_of_principal ON oauth_grants (tenant_id, principal_id)
WHERE principal_id IS NOT NULL;

-- Authorization codes, used ones too for a while, so that their second use is noticed.
CREATE TABLE oauth_codes (
    tenant_id uuid NOT NULL,
    -- SHA-256 of 256 random bits
    hash bytea NOT NULL,
    grant_id uuid NOT NULL,
    -- As the client gave it; NULL when it left it out.
    redirect_uri text,
    -- That of S256; NULL without PKCE.
    code_challenge text,
    expire_time timestamptz NOT NULL,
    use_time timestamptz,
    PRIMARY KEY (tenant_id, hash),
    CONSTRAINT oauth_codes_grant FOREIGN KEY (tenant_id, grant_id)
    REFERENCES oauth_grants (tenant_id, id) ON DELETE CASCADE
);

CREATE INDEX oauth_codes_of_grant ON oauth_codes (tenant_id, grant_id);
CREATE INDEX oauth_codes_expire_time ON oauth_codes (tenant_id, expire_time);

-- Refresh tokens, used ones too until they end, so that their second use is noticed.
CREATE TABLE oauth_refresh_tokens (
    tenant_id uuid NOT NULL,
    -- SHA-256 of 256 random bits
    hash bytea NOT NULL,
    grant_id uuid NOT NULL,
    create_time timestamptz NOT NULL DEFAULT now(),
    expire_time timestamptz NOT NULL,
    -- When it was exchanged for its successor.
    use_time timestamptz,
    PRIMARY KEY (tenant_id, hash),
    CONSTRAINT oauth_refresh_tokens_grant FOREIGN KEY (tenant_id, grant_id)
    REFERENCES oauth_grants (tenant_id, id) ON DELETE CASCADE
);

CREATE INDEX oauth_refresh_tokens_of_grant ON oauth_refresh_tokens (tenant_id, grant_id);
CREATE INDEX oauth_refresh_tokens_expire_time ON oauth_refresh_tokens (tenant_id, expire_time);

-- Assertions that clients have proved themselves with: none counts twice.
CREATE TABLE oauth_assertions (
    tenant_id uuid NOT NULL,
    client_id uuid NOT NULL,
    -- SHA-256 of its `jti`
    hash bytea NOT NULL,
    expire_time timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, client_id, hash),
    CONSTRAINT oauth_assertions_client FOREIGN KEY (tenant_id, client_id)
    REFERENCES oauth_clients (tenant_id, id) ON DELETE CASCADE
);

CREATE INDEX oauth_assertions_expire_time ON oauth_assertions (tenant_id, expire_time);

-- Browsers that an administrator is signed in with.
CREATE TABLE sign_ins (
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    -- SHA-256 of 256 random bits
    hash bytea NOT NULL,
    -- Who it is: a user, or the holder of an API token.
    principal_id uuid,
    credential_id uuid,
    -- The name that `changes` records.
    name text NOT NULL,
    create_time timestamptz NOT NULL DEFAULT now(),
    expire_time timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, hash),
    CONSTRAINT sign_ins_principal FOREIGN KEY (tenant_id, principal_id)
    REFERENCES resources (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT sign_ins_credential FOREIGN KEY (tenant_id, credential_id)
    REFERENCES credentials (tenant_id, id) ON DELETE CASCADE,
    CHECK (principal_id IS NOT NULL OR credential_id IS NOT NULL)
);

CREATE INDEX sign_ins_of_principal ON sign_ins (tenant_id, principal_id)
WHERE principal_id IS NOT NULL;
CREATE INDEX sign_ins_of_credential ON sign_ins (tenant_id, credential_id)
WHERE credential_id IS NOT NULL;
CREATE INDEX sign_ins_expire_time ON sign_ins (tenant_id, expire_time);

-- Access tokens are credentials like others.
ALTER TABLE credentials
ADD COLUMN oauth_client_id uuid,
ADD COLUMN oauth_grant_id uuid,
ADD CONSTRAINT credentials_oauth CHECK ((kind = 'oauth') = (oauth_client_id IS NOT NULL)),
ADD CONSTRAINT credentials_oauth_client FOREIGN KEY (tenant_id, oauth_client_id)
REFERENCES oauth_clients (tenant_id, id) ON DELETE CASCADE,
ADD CONSTRAINT credentials_oauth_grant FOREIGN KEY (tenant_id, oauth_grant_id)
REFERENCES oauth_grants (tenant_id, id) ON DELETE CASCADE;

CREATE INDEX credentials_of_oauth_client ON credentials (tenant_id, oauth_client_id)
WHERE oauth_client_id IS NOT NULL;
CREATE INDEX credentials_of_oauth_grant ON credentials (tenant_id, oauth_grant_id)
WHERE oauth_grant_id IS NOT NULL;
-- Those that have ended are removed.
CREATE INDEX credentials_oauth_expire_time ON credentials (tenant_id, expire_time)
WHERE kind = 'oauth';

SELECT isolate_tenant('oauth_clients');
SELECT isolate_tenant('oauth_grants');
SELECT isolate_tenant('oauth_codes');
SELECT isolate_tenant('oauth_refresh_tokens');
SELECT isolate_tenant('oauth_assertions');
SELECT isolate_tenant('sign_ins');
-- Whose a client is tells which tenant its requests are about.
SELECT admit_across_tenants('oauth_clients', 'SELECT');

-- migrate:down

SELECT for_each_tenant($$DELETE FROM credentials WHERE kind = 'oauth'$$);

DROP INDEX credentials_oauth_expire_time, credentials_of_oauth_grant, credentials_of_oauth_client;
ALTER TABLE credentials
DROP CONSTRAINT credentials_oauth_grant,
DROP CONSTRAINT credentials_oauth_client,
DROP CONSTRAINT credentials_oauth,
DROP COLUMN oauth_grant_id,
DROP COLUMN oauth_client_id;
DROP TABLE
sign_ins, oauth_assertions, oauth_refresh_tokens, oauth_codes, oauth_grants, oauth_clients;
