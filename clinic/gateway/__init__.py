"""The gateways: one Protocol, and one module a gateway."""
