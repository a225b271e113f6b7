-- migrate:up

-- The `sub` of the token for which a workload got this one, to tell whoever asks about it.
ALTER TABLE credentials ADD COLUMN subject text;

-- migrate:down

ALTER TABLE credentials DROP COLUMN subject;
