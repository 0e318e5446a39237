"""The sealed file: a header that anyone can read, then compressed chunks that only the key opens.

Each chunk is sealed with AES-256-GCM under a key made for this file alone, numbered, bound to the header, and the
last one says that it is the last: a file that was cut, reordered or altered does not open.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import struct
import zlib
from typing import TYPE_CHECKING
from typing import Any
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from mingus.errors import MingusError
from mingus.vault import key_id

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Mapping
    from collections.abc import Sequence

MAGIC = b"MINGUSB1"
CHUNK_BYTES = 256 * 1024
TAG_BYTES = 16
LONGEST_HEADER = 64 * 1024
SALT_BYTES = 16
PREFIX_BYTES = 7
LENGTH = struct.Struct(">I")
NONCE_TAIL = struct.Struct(">IB")  # the chunk's number, and 1 for the last


class BackupUnreadable(MingusError):
    """This file is no backup of ours, or it was cut or altered."""

    code = "backup_unreadable"


class BackupKeyMissing(MingusError):
    """The key that sealed this backup is not in PLAID_ACCESS_TOKEN_ENCRYPTION_KEY."""

    code = "backup_key_missing"


def _file_key(key: bytes, salt: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=b"mingus backup 1").derive(key)


class SealedWriter:
    """Takes text in pieces of any size; nothing of it touches the disk in clear."""

    def __init__(self, file: BinaryIO, facts: Mapping[str, object], key: bytes) -> None:
        salt, self._prefix = os.urandom(SALT_BYTES), os.urandom(PREFIX_BYTES)
        sealing = {"salt": _words(salt), "prefix": _words(self._prefix), "key_id": key_id(key)}
        header = MAGIC + _framed(json.dumps({**facts, "sealing": sealing}, sort_keys=True).encode())
        self._file = file
        self._cipher = AESGCM(_file_key(key, salt))
        self._bound = hashlib.sha256(header).digest()
        self._packer = zlib.compressobj(6)
        self._waiting = bytearray()
        self._number = 0
        file.write(header)

    def write(self, text: bytes) -> None:
        self._waiting += self._packer.compress(text)
        while (
            len(self._waiting) > CHUNK_BYTES
        ):  # never empty afterwards: the last chunk is sealed by `finish`
            self._seal(bytes(self._waiting[:CHUNK_BYTES]), last=False)
            del self._waiting[:CHUNK_BYTES]

    def finish(self) -> None:
        """Seal what remains; without this the file does not open."""
        self._waiting += self._packer.flush()
        while len(self._waiting) > CHUNK_BYTES:
            self._seal(bytes(self._waiting[:CHUNK_BYTES]), last=False)
            del self._waiting[:CHUNK_BYTES]
        self._seal(bytes(self._waiting), last=True)

    def _seal(self, chunk: bytes, *, last: bool) -> None:
        nonce = self._prefix + NONCE_TAIL.pack(self._number, last)
        self._number += 1
        self._file.write(_framed(self._cipher.encrypt(nonce, chunk, self._bound)))


class SealedReader:
    """Reads a sealed file; `facts` are there without any key, `lines` needs the right one."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        magic = file.read(len(MAGIC))
        framed = file.read(LENGTH.size)
        if magic != MAGIC or len(framed) < LENGTH.size or LENGTH.unpack(framed)[0] > LONGEST_HEADER:
            raise BackupUnreadable
        text = file.read(LENGTH.unpack(framed)[0])
        try:
            self.facts: dict[str, Any] = json.loads(text)
            sealing = self.facts["sealing"]
            self._salt, self._prefix = _bytes(sealing["salt"]), _bytes(sealing["prefix"])
            self.key_id = str(sealing["key_id"])
        except (ValueError, KeyError, TypeError) as err:
            raise BackupUnreadable from err
        self._bound = hashlib.sha256(magic + framed + text).digest()

    def lines(self, keys: Sequence[bytes]) -> Iterator[bytes]:
        """The text line by line, in bounded memory; raises BackupKeyMissing or BackupUnreadable."""
        key = next((key for key in keys if key_id(key) == self.key_id), None)
        if key is None:
            message = f"{BackupKeyMissing().public} It is {self.key_id}."
            raise BackupKeyMissing(message)
        cipher = AESGCM(_file_key(key, self._salt))
        unpacker = zlib.decompressobj()
        begun = b""
        for chunk in self._chunks(cipher):
            while chunk:
                *whole, begun = (begun + _unpack(unpacker, chunk)).split(b"\n")
                chunk = unpacker.unconsumed_tail
                yield from whole
        *whole, begun = (begun + unpacker.flush()).split(b"\n")
        yield from whole
        if begun or not unpacker.eof:
            raise BackupUnreadable

    def _chunks(self, cipher: AESGCM) -> Iterator[bytes]:
        number, last = 0, False
        while not last:
            framed = self._file.read(LENGTH.size)
            if len(framed) < LENGTH.size or LENGTH.unpack(framed)[0] > CHUNK_BYTES + TAG_BYTES:
                raise BackupUnreadable
            sealed = self._file.read(LENGTH.unpack(framed)[0])
            chunk, last = self._opened(cipher, number, sealed)
            number += 1
            yield chunk
        if self._file.read(1):
            raise BackupUnreadable  # somebody added to it

    def _opened(self, cipher: AESGCM, number: int, sealed: bytes) -> tuple[bytes, bool]:
        for last in (False, True):
            nonce = self._prefix + NONCE_TAIL.pack(number, last)
            try:
                return cipher.decrypt(nonce, sealed, self._bound), last
            except InvalidTag:
                continue
        raise BackupUnreadable


def _unpack(unpacker: zlib._Decompress, chunk: bytes) -> bytes:
    try:
        return unpacker.decompress(chunk, CHUNK_BYTES)
    except zlib.error as err:
        raise BackupUnreadable from err


def _framed(text: bytes) -> bytes:
    return LENGTH.pack(len(text)) + text


def _words(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _bytes(words: object) -> bytes:
    return base64.b64decode(str(words), validate=True)
