"""Operations on the record: each plans, applies in batches, and can be undone."""
