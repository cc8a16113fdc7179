"""The rest of the panel Send: campaigns that run, lists, groups and templates."""
