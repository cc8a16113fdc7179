"""What gateways tell us by themselves: pulled or pushed, signed, in their words."""
