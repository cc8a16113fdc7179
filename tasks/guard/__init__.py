"""Prefect's task and flow as this project uses them: without patient data, patient with a record away."""
