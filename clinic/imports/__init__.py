"""What other systems know and the record does not, from their exports: a module a kind."""
