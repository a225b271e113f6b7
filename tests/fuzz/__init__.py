"""A campaign of hostile requests over HTTP: `python -m tests.fuzz --help`."""
