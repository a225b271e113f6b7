"""Clients, grants, tokens and sign-ins of the authorization server."""
