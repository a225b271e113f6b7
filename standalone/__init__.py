"""Everything on one machine: embedded PostgreSQL, service and gateway under one roof."""
