"""What a person decides of a campaign, wherever they sit: looked at, answered for, confirmed, sent again."""
