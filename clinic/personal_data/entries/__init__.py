"""The entries: a module for what stands together in `clinic/record/schema`, one for files and Prefect."""
