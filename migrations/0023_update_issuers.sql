-- migrate:up

-- Counts the changes by administrators.
ALTER TABLE issuers ADD COLUMN version bigint NOT NULL DEFAULT 1;

-- migrate:down

ALTER TABLE issuers DROP COLUMN version;
