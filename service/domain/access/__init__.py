"""Roles, and what they grant along groups."""
