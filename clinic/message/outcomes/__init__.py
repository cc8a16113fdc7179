"""What became of it: on the record, counted, judged, and as every row of the list."""
