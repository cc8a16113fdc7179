"""Where settings are read from: files, the files below them, secrets in files of their own, the environment."""
