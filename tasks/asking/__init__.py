"""What is asked for by a person, wherever they sit, and takes more than the record: checks, gateways, a run."""
