"""The panel Govern of `cohort --help`: who decides, who works here, what is in force."""
