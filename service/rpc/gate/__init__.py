"""Who may call: credentials, tenants, limits, and what a worker keeps of them."""
