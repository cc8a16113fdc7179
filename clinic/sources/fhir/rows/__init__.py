"""Resources as rows of an import: a module a subject, by tables of the codes that FHIR R4 requires."""
