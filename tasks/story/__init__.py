"""A run told in sentences: one a step, out of counts that the record has. No Prefect, and no patient."""
