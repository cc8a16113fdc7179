"""The gateways as people look at them: listed, checked, tried by a message to oneself."""
