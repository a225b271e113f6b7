"""What the rules are: patch, filters, validation, errors. Pure: no I/O, no gRPC, no SQL."""
