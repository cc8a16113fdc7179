"""Who may be messaged: facts of each row, decisions of patients, and what is asked at the last moment."""
