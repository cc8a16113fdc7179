"""
One catalogue of all personal data that an installation holds, and what is made from it.

    entries/ ─► CATALOGUE ─► subject access, pseudonymised copies, docs/data-protection.md, erasure, retention

A column or file without an entry fails a test: whoever adds one decides what it is, what for, how long, and who
is shown it.
"""
