"""What people see of a run in the Prefect UI."""
