"""The panel Begin of `cohort --help`: setting up, trying out, looking after an installation."""
