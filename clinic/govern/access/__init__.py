"""The access log: who looked at which patients and why, who saw a patient, and which looks are odd."""
