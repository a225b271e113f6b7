"""What callers can do with resources: each function is one use case inside one transaction.

Between the rules (`service.domain`), which know no storage, and the tables (`service.storage`),
which know no rules. Knows nothing of gRPC, so that a bulk request can run many in a row.
"""
