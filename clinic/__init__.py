"""The rules of bulk work on patients, the record they are kept in, and the gateways. No Prefect here."""
