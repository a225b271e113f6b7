"""The endpoints of the authorization server: HTTP in, one call, HTTP out."""
