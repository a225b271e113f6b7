"""The SCIM edge: translates SCIM 2.0 JSON into calls of the identity service."""
