"""What is said to Prefect before anything runs."""
