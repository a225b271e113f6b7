"""Where things are kept: SQL and nothing else. One file for each kind of thing stored."""
