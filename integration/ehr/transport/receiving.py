"""The body of an answer, piece by piece: bounded in bytes, and in the time that it may take.

Held by tests/contract/test_ehr_slow.py.
"""

import time

import requests
from urllib3.exceptions import DecodeError, ProtocolError

CHUNK_BYTES = 1 << 16


class TooLarge(Exception):
    """More than was allowed."""


def body_of(response: requests.Response, most_bytes: int, seconds: float) -> bytes:
    """All of it. Raises `TooLarge`, or what `requests` has for a body that comes too slowly, ends
    in its middle or cannot be unpacked."""
    until, chunks, size = time.monotonic() + seconds, list[bytes](), 0
    try:
        while chunk := response.raw.read1(CHUNK_BYTES, decode_content=True):
            size += len(chunk)
            if size > most_bytes:
                raise TooLarge
            if time.monotonic() > until:
                raise requests.ReadTimeout
            chunks.append(chunk)
    except ProtocolError as error:
        raise requests.exceptions.ChunkedEncodingError(error) from None
    except DecodeError as error:
        raise requests.exceptions.ContentDecodingError(error) from None
    return b"".join(chunks)
