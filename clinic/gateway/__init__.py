"""The ways out: one Protocol, and one module a gateway."""
