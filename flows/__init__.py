"""What we do: one file an operation, each reads as a DAG."""
