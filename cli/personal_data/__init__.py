"""What is held of patients: given to them, and copied without them."""
