"""Roles and effective access as calls."""
