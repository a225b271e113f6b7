-- migrate:up

-- What a workload got for a token of an issuer stands and falls with the issuer.
ALTER TABLE credentials
DROP CONSTRAINT credentials_kind,
ADD COLUMN issuer_id uuid,
ADD CONSTRAINT credentials_kind
CHECK (kind IN ('token', 'basic', 'oauth', 'certificate', 'workload')),
ADD CONSTRAINT credentials_workload CHECK ((kind = 'workload') = (issuer_id IS NOT NULL)),
ADD CONSTRAINT credentials_issuer FOREIGN KEY (tenant_id, issuer_id)
REFERENCES issuers (tenant_id, id) ON DELETE CASCADE;

CREATE INDEX credentials_of_issuer ON credentials (tenant_id, issuer_id)
WHERE issuer_id IS NOT NULL;
-- Those that have ended are removed.
CREATE INDEX credentials_workload_expire_time ON credentials (tenant_id, expire_time)
WHERE kind = 'workload';

-- migrate:down

SELECT for_each_tenant($$DELETE FROM credentials WHERE kind = 'workload'$$);

DROP INDEX credentials_workload_expire_time, credentials_of_issuer;
ALTER TABLE credentials
DROP CONSTRAINT credentials_issuer,
DROP CONSTRAINT credentials_workload,
DROP CONSTRAINT credentials_kind,
DROP COLUMN issuer_id,
ADD CONSTRAINT credentials_kind CHECK (kind IN ('token', 'basic', 'oauth', 'certificate'));
