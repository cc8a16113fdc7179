"""
SMPP's packets: the one place that knows the library.

submit_sm and deliver_sm, with their optional parameters, are written and read by smpp34's codec (Rust). Its
sessions are not used: they confirm a receipt before we have it on disk, give a lost connection the number of
an error (RSYSERR), and keep to themselves why a bind was refused (docs/decisions/0048). The few packets
without a body of their own are spelt here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import smpp34

from clinic.gateway.smpp.alphabet import Piece

GENERIC_NACK: Final = 0x80000000
SUBMIT_RESP: Final = 0x80000004
DELIVER: Final = 0x00000005
UNBIND: Final = 0x00000006
ENQUIRE_LINK: Final = 0x00000015
ALERT: Final = 0x00000102
BINDS: Final = {"receiver": 0x01, "transmitter": 0x02, "transceiver": 0x09}
RESPONSE: Final = 0x80000000
OK: Final = 0x00
UNKNOWN_COMMAND: Final = 0x03
NOT_BOUND: Final = 0x04  # ESME_RINVBNDSTS
NOT_KEPT: Final = 0x64  # ESME_RX_T_APPN: send it again later

MOST_SEQUENCE: Final = 0x7FFFFFFF
_LONGEST: Final = 65_536 + 1_024  # a message_payload, and what may stand beside it
_HEAD: Final = struct.Struct(">IIII")
_REFERENCE: Final = 0x0204  # user_message_reference
_PAYLOAD: Final = 0x0424  # message_payload


class Garbage(Exception):
    """What came is no SMPP: nothing after it can be read."""


class Packet(NamedTuple):
    """One packet. `whole`: its bytes, head included."""

    command: int
    status: int
    sequence: int
    whole: bytes


class Splitter:
    """Cuts what comes into packets."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Packet]:
        """
        The packets that are whole by now.

        Raises:
            Garbage: a length that no packet has
        """
        data = self._rest + data if self._rest else data
        at, end = 0, len(data)
        while end - at >= 16:
            length, command, status, sequence = _HEAD.unpack_from(data, at)
            if not 16 <= length <= _LONGEST:
                raise Garbage
            if end - at < length:
                break
            yield Packet(command, status, sequence, data[at : at + length])
            at += length
        self._rest = data[at:]


def message_id_of(packet: Packet) -> str:
    """The id in a submit_sm_resp; empty: there is none."""
    return packet.whole[16:].split(b"\0", 1)[0].decode("latin-1")


def plain(command: int, sequence: int, *, status: int = OK, body: bytes = b"") -> bytes:
    """A packet without parameters of its own, or with a body that is spelt already."""
    return _HEAD.pack(16 + len(body), command, status, sequence) + body


@dataclass(frozen=True, slots=True)
class Login:
    """With what one binds."""

    system_id: str
    password: str = field(repr=False)
    system_type: str = ""

    def bind(self, kind: str, sequence: int) -> bytes:
        """bind_transceiver and its two sisters, for SMPP 3.4."""
        words = (self.system_id, self.password, self.system_type)
        body = b"".join(word.encode("latin-1", "replace") + b"\0" for word in words)
        return plain(BINDS[kind], sequence, body=body + b"\x34\0\0\0")


@dataclass(frozen=True, slots=True)
class Address:
    """A number or name with its type (TON) and plan (NPI)."""

    digits: str
    ton: int
    npi: int


@dataclass(frozen=True, slots=True)
class Manner:
    """What every submit_sm of a gateway has in common."""

    sender: Address
    receipts: bool = True
    validity: str = ""  # SMPP's relative form
    service_type: str = ""
    reference_tlv: bool = True


def submit(manner: Manner, to: Address, piece: Piece, mark: int, sequence: int) -> bytes:
    """A submit_sm; `mark`: the 16 bits of our reference that some SMSCs give back."""
    sender = manner.sender
    return smpp34.SubmitSm(
        sender.digits,
        to.digits,
        piece.octets,
        service_type=manner.service_type,
        source_addr_ton=sender.ton,
        source_addr_npi=sender.npi,
        dest_addr_ton=to.ton,
        dest_addr_npi=to.npi,
        esm_class=0x40 if piece.with_header else 0,
        validity_period=manner.validity,
        registered_delivery=int(manner.receipts),
        data_coding=piece.coding,
        tlvs=[smpp34.Tlv(_REFERENCE, mark.to_bytes(2, "big"))] if manner.reference_tlv else [],
        sequence_number=sequence,
    ).encode()


@dataclass(frozen=True, slots=True)
class Delivered:
    """A deliver_sm: somebody's text, or a receipt. `extra`: optional parameters by their tags."""

    source: Address
    esm_class: int
    coding: int
    octets: bytes
    extra: Mapping[int, bytes] = field(default_factory=dict)


def read_deliver(packet: Packet) -> Delivered:
    """
    Read one.

    Raises:
        Garbage: its inside is not as SMPP has it; the packets after it may be
    """
    try:
        read = smpp34.decode(packet.whole)
    except smpp34.SmppError:
        raise Garbage from None
    if not isinstance(read, smpp34.DeliverSm):
        raise Garbage
    extra = {tlv.tag: tlv.value for tlv in read.tlvs}
    return Delivered(
        Address(read.source_addr, read.source_addr_ton, read.source_addr_npi),
        read.esm_class,
        read.data_coding,
        read.short_message or extra.get(_PAYLOAD, b""),
        extra,
    )
