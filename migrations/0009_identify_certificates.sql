-- migrate:up

-- What has a certificate in the place of a secret is found as secrets are: by a hash.
ALTER TABLE credentials
DROP CONSTRAINT credentials_kind_check,
DROP CONSTRAINT credentials_check,
DROP CONSTRAINT credentials_check1,
-- Which certificates are meant: 'spiffe://acme.example/billing/*'
ADD COLUMN pattern text,
ADD CONSTRAINT credentials_kind CHECK (kind IN ('token', 'basic', 'oauth', 'certificate')),
ADD CONSTRAINT credentials_secret CHECK (
    CASE kind
        WHEN 'basic'
            THEN user_name IS NOT NULL AND password_hash IS NOT NULL AND token_hash IS NULL
        ELSE user_name IS NULL AND password_hash IS NULL AND token_hash IS NOT NULL
    END
),
ADD CONSTRAINT credentials_pattern CHECK ((kind = 'certificate') = (pattern IS NOT NULL));

-- migrate:down

SELECT for_each_tenant($$DELETE FROM credentials WHERE kind NOT IN ('token', 'basic')$$);

ALTER TABLE credentials
DROP CONSTRAINT credentials_pattern,
DROP CONSTRAINT credentials_secret,
DROP CONSTRAINT credentials_kind,
DROP COLUMN pattern,
ADD CONSTRAINT credentials_kind_check CHECK (kind IN ('token', 'basic')),
ADD CONSTRAINT credentials_check CHECK ((kind = 'token') = (token_hash IS NOT NULL)),
ADD CONSTRAINT credentials_check1 CHECK (
    (kind = 'basic') = (user_name IS NOT NULL AND password_hash IS NOT NULL)
);
