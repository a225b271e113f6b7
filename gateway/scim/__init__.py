"""SCIM as text and JSON, and what it means as messages of the contract. Pure: no I/O."""
