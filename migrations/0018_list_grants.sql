-- migrate:up

-- What the list of grants shows, and what tells when a grant can be forgotten.
ALTER TABLE oauth_grants
-- The name that `changes` has of who consented; empty for grants of before.
ADD COLUMN granted_by text NOT NULL DEFAULT '',
-- When the client last got tokens for a refresh token.
ADD COLUMN refresh_time timestamptz,
-- When the last of its code and tokens ends, or it was revoked. NULL: made by the release before.
ADD COLUMN expire_time timestamptz;

SELECT for_each_tenant($$
    UPDATE oauth_grants AS g SET expire_time = coalesce(g.revoke_time, greatest(
        (SELECT max(c.expire_time) FROM oauth_codes AS c
         WHERE c.tenant_id = g.tenant_id AND c.grant_id = g.id),
        (SELECT max(t.expire_time) FROM oauth_refresh_tokens AS t
         WHERE t.tenant_id = g.tenant_id AND t.grant_id = g.id),
        (SELECT max(a.expire_time) FROM credentials AS a
         WHERE a.tenant_id = g.tenant_id AND a.oauth_grant_id = g.id)
    ), now())
$$);

-- Lists of one client or one person, the newest first.
DROP INDEX oauth_grants_of_client, oauth_grants_of_principal;
CREATE INDEX oauth_grants_of_client ON oauth_grants (tenant_id, client_id, id);
CREATE INDEX oauth_grants_of_principal ON oauth_grants (tenant_id, principal_id, id)
WHERE principal_id IS NOT NULL;
CREATE INDEX oauth_grants_expire_time ON oauth_grants (tenant_id, expire_time);

-- migrate:down

DROP INDEX oauth_grants_expire_time, oauth_grants_of_principal, oauth_grants_of_client;
CREATE INDEX oauth_grants_of_client ON oauth_grants (tenant_id, client_id);
CREATE INDEX oauth_grants_of_principal ON oauth_grants (tenant_id, principal_id)
WHERE principal_id IS NOT NULL;
ALTER TABLE oauth_grants
DROP COLUMN expire_time,
DROP COLUMN refresh_time,
DROP COLUMN granted_by;
