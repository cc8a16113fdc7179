"""Who: lists, groups, filters and pasted ids become one cohort with one outcome a row."""
