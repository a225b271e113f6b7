-- migrate:up

-- Whether it may give roles, memberships and passwords that make administrators of Rollbook.
ALTER TABLE connections ADD COLUMN makes_administrators boolean NOT NULL DEFAULT FALSE;

-- migrate:down

ALTER TABLE connections DROP COLUMN makes_administrators;
