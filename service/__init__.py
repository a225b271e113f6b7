"""The identity service: users and groups over gRPC, kept in PostgreSQL."""
