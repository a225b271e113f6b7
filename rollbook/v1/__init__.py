"""The generated contract. Do not edit: change `protos/` and run `make protos`."""
