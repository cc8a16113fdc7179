"""Flow runs: started, waiting, resumed, silent, forgotten."""
