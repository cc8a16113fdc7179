"""Links that a patient opens with their date of birth: made, tried, counted, taken back."""
