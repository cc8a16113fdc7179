"""What a person decides of an operation, wherever they sit: asked for, looked at, confirmed, resumed."""
