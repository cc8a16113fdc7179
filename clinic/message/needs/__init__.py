"""What patients need of a message: language, format, channel, proxy, place of stay."""
