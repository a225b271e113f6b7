"""OAuth 2 and signing in as calls."""
