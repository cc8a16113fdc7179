"""The rules of bulk work on patients, the record they are kept in, and the gateways. No Prefect here."""

from clinic.later import put_off

put_off()  # before any module of ours names them
