"""
Every table of the record as it was at version 0062, a module a subject; triggers apart.

Nothing here is changed any more: what comes after is a migration of its own. Columns stand in the order in
which records of before have them, so that old and new ones are the same in all.
"""
