"""FHIR R4 servers: by search, a page at a time, or by Bulk Data export; resources become rows of an import."""
