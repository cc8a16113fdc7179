"""Several gateways of one campaign: which it has, which of them is out, and by which a batch leaves."""
