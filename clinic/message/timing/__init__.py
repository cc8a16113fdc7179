"""When messages may be sent: the calendar's zones, the pace, the days of a campaign."""
