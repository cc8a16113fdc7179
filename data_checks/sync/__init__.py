"""Is what a source gave fit to be imported, and is what the record has from it fresh enough to act on."""
