-- migrate:up

-- Whoever could do everything can do what is new too, and hand it on.
UPDATE credentials SET scopes = scopes || ARRAY['passwords.verify']
WHERE scopes @> ARRAY[
    'scim', 'directory.read', 'directory.write', 'access.read', 'admin', 'credentials', 'platform'
] AND NOT scopes @> ARRAY['passwords.verify'];

-- migrate:down

UPDATE credentials SET scopes = array_remove(scopes, 'passwords.verify')
WHERE scopes @> ARRAY['passwords.verify'];
