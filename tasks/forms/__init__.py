"""The run forms of the Prefect UI."""
