"""The SMTP gateway for e-mails."""
