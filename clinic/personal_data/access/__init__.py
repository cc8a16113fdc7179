"""
Subject access: everything that the catalogue knows of one person, for them to read.

    person ─► gather (rows) and found_files ─► withheld ─► file (HTML, JSON)

Third persons are kept out with a ground until a health professional has looked; what they withhold besides
is marked with the ground that they give.
"""
