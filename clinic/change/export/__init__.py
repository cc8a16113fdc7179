"""Data exports: sheets, the file, its trace."""
