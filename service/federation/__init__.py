"""Tokens that others have issued: their keys, fetched and kept, and what the tokens prove."""
