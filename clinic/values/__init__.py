"""One value, judged: NHS numbers, telephone numbers, e-mail addresses, dates, SNOMED CT codes."""
