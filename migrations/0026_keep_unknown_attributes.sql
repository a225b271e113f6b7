-- migrate:up

-- What becomes of attributes that no schema has: ignore, keep or refuse; NULL for what the gateway
-- is set to.
ALTER TABLE connections ADD COLUMN unknown_attributes text COLLATE "C";

-- migrate:down

ALTER TABLE connections DROP COLUMN unknown_attributes;
