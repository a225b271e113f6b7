"""Roles given and taken, and what they grant."""
