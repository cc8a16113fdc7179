"""Who is left out, and why: the rules that each row is judged by."""
