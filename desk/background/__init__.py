"""What takes longer than a page may: a process of the desk's own, at low priority."""
