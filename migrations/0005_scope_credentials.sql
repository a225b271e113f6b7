-- migrate:up

ALTER TABLE credentials
-- What it is good for: names of scopes. None for what a release writes that knows of none.
ADD COLUMN scopes text [] NOT NULL DEFAULT '{}',
-- The last letters of the token, to tell tokens apart.
ADD COLUMN hint text NOT NULL DEFAULT '',
-- Whether it is a token of our own making: one with a checksum. Others come from settings.
ADD COLUMN has_checksum boolean NOT NULL DEFAULT false,
-- How long a token is valid that takes its place; NULL: without end.
ADD COLUMN lifetime interval,
ADD COLUMN expire_time timestamptz,
ADD COLUMN revoke_time timestamptz,
-- To the minute.
ADD COLUMN last_use_time timestamptz,
-- Counts the changes; uses are none.
ADD COLUMN version bigint NOT NULL DEFAULT 1,
-- Whose it is; NULL: an administrator's making that is nobody's.
ADD COLUMN principal_id uuid,
ADD CONSTRAINT credentials_principal FOREIGN KEY (tenant_id, principal_id)
REFERENCES resources (tenant_id, id) ON DELETE CASCADE;

CREATE INDEX credentials_of_principal ON credentials (tenant_id, principal_id)
WHERE principal_id IS NOT NULL;

-- Lists are read backwards, the newest first.
CREATE INDEX credentials_in_order ON credentials (tenant_id, kind, id);

-- Until now a token was an administrator's, and a password that of SCIM clients.
UPDATE credentials SET scopes = CASE kind
    WHEN 'basic' THEN ARRAY['scim']
    ELSE ARRAY[
        'scim', 'directory.read', 'directory.write', 'access.read', 'admin', 'credentials',
        'platform'
    ]
END;

-- migrate:down

-- The release before this one would take them for valid.
DELETE FROM credentials WHERE revoke_time IS NOT NULL OR expire_time IS NOT NULL;

DROP INDEX credentials_in_order, credentials_of_principal;
ALTER TABLE credentials
DROP CONSTRAINT credentials_principal,
DROP COLUMN principal_id,
DROP COLUMN version,
DROP COLUMN last_use_time,
DROP COLUMN revoke_time,
DROP COLUMN expire_time,
DROP COLUMN lifetime,
DROP COLUMN has_checksum,
DROP COLUMN hint,
DROP COLUMN scopes;
