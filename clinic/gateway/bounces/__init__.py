"""What comes back by e-mail: reports of delivery, complaints, and what is neither."""
