-- migrate:up

ALTER TABLE tenants
-- How often its credentials together may call; NULL where the settings say.
ADD COLUMN requests_per_second integer,
ADD COLUMN burst integer;

-- migrate:down

ALTER TABLE tenants
DROP COLUMN burst,
DROP COLUMN requests_per_second;
