"""A second approver decides: what waits, who may, and what was decided."""
