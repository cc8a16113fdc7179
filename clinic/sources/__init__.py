"""
Where data comes from by itself: a folder of files, a database, a FHIR server (docs/data.md).

    [sources.NAME] ─► open_source ─► check            what it would give; nothing is changed
                                └──► fetch(kind) ─► a private file ─► the importers read it as any other
                                └──► done            what was imported is put away

Nothing of ours is locked and no transaction is open while another's machine is asked.
"""
