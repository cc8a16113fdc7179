"""Who is signed in: an account at the terminal, a browser at the desk."""
