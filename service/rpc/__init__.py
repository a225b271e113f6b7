"""Who calls, what they ask, what they get: the servicers of the contract."""
