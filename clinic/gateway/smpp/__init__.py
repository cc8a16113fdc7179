"""SMPP 3.4: texts through a session with an SMSC (docs/gateways.md)."""
