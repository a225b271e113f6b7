"""What the tests are made with: a database server, a running Rollbook, clients and comparisons."""
