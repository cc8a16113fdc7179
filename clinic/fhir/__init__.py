"""FHIR R4 over HTTP, as far as this program speaks it: plain dictionaries, one request at a time."""
