"""The HTTP interface: one table of routes, from which the addresses and the OpenAPI document come."""
