"""What the service, the gateway and every client share: the contract and what is read from it.

`rollbook.v1` is generated from `protos/` (`make protos`), `rollbook.attributes` reads the SCIM
schemas from its descriptors, `rollbook.client` and the `rollbook` command call the service.
"""
