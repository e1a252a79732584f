"""Reads what a picture file says about itself, in plain Python and without decoding a pixel.

The web process calls this on files of strangers. No decoder runs there: Pillow's WebP reader, for
one, allocates the whole canvas when it opens a file, a gigabyte for thirty hostile bytes.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple


class Header(NamedTuple):
    """Format and size as stored, before any rotation."""

    media_type: str
    width: int
    height: int


class TruncatedFileError(Exception):
    """The file ends before its own structure says it does."""


class TooComplexError(Exception):
    """The file has more parts than any camera writes; going through them would take too long."""


class _Allowance:
    """How many parts of a sort the whole file may have."""

    def __init__(self, most: int) -> None:
        self._left = most

    def take(self, count: int = 1) -> None:
        self._left -= count
        if self._left < 0:
            raise TooComplexError


# Limits on structure, far above what cameras and phones write (a JPEG from a phone has some 30
# segments and one scan, a progressive one 10 scans; an iPhone's `meta` box is under 10 KB). Each
# is for the whole file: made of nothing but such parts, 20 MB cost some 50 ms.
MAX_JPEG_SEGMENTS = 2_000
# The decoder goes through every pixel again for each scan: 0.7 ms at 50 megapixels for 26 bytes.
MAX_JPEG_SCANS = 100
# Of pixels one byte in 256 is FF; fill bytes and restart markers are the others.
MAX_JPEG_FF_BYTES = 4_000_000
MAX_PNG_CHUNKS = 50_000
MAX_HEIF_BOXES = 1_000
MAX_HEIF_META_BYTES = 4 * 2**20
BLOCK_BYTES = 16 * 1024

# Neither a data byte (FF 00), a restart in a scan (FF D0 to D7) nor fill before a marker (FF FF).
_JPEG_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_SCAN, _END = 0xDA, 0xD9

_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"mif1"}


def read_header(source: BinaryIO, size_bytes: int) -> Header | None:
    """Return what the file is, or None when it is none of JPEG, PNG, WebP and HEIC.

    Args:
        source: seekable; read from its start, in small pieces.
        size_bytes: how long the file is.

    Raises:
        TruncatedFileError: it begins as one of them and was cut off.
        TooComplexError: it has too many parts to go through.
    """
    source.seek(0)
    start = source.read(12)
    read = _reader_for(start)
    return read(source, size_bytes) if read else None


def _reader_for(start: bytes) -> Callable[[BinaryIO, int], Header | None] | None:
    if start[:3] == b"\xff\xd8\xff":
        return _read_jpeg
    if start[:8] == b"\x89PNG\r\n\x1a\n":
        return _read_png
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return _read_webp
    if start[4:8] == b"ftyp":
        return _read_heif
    return None


def _exactly(source: BinaryIO, count: int) -> bytes:
    data = source.read(count)
    if len(data) < count:
        raise TruncatedFileError
    return data


def _read_jpeg(source: BinaryIO, _size_bytes: int) -> Header | None:
    """Walk all segments and scans to the end marker.

    Not just to the last bytes: phones append data of their own (a depth map, a whole video).
    """
    segments, scans = _Allowance(MAX_JPEG_SEGMENTS), _Allowance(MAX_JPEG_SCANS)
    ff_bytes = _Allowance(MAX_JPEG_FF_BYTES)
    size = None
    is_in_scan = False
    source.seek(2)
    while True:
        segments.take()
        marker = _next_jpeg_marker(source, ff_bytes, is_in_scan=is_in_scan)
        if marker == _END:
            return Header("image/jpeg", *size) if size and is_in_scan else None
        if marker is None:
            return None
        (length,) = struct.unpack(">H", _exactly(source, 2))
        if length < 2:
            return None
        length -= 2
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # a frame header
            _, height, width = struct.unpack(">BHH", _exactly(source, 5))
            size = (width, height)
            length -= 5
        elif marker == _SCAN:
            if size is None:
                return None
            scans.take()
            is_in_scan = True
        source.seek(length, 1)


def _next_jpeg_marker(source: BinaryIO, ff_bytes: _Allowance, *, is_in_scan: bool) -> int | None:
    """Find the next marker: behind the data of a scan, or else right here, after fill bytes."""
    while True:
        block = source.read(BLOCK_BYTES)
        found = _JPEG_MARKER.search(block)
        end = found.end() if found else len(block)
        ff_bytes.take(block.count(b"\xff", 0, end))
        if not is_in_scan and block[: found.start() if found else end].strip(b"\xff"):
            return None
        if found:
            source.seek(end - len(block), 1)
            return block[end - 1]
        if len(block) < 2:
            raise TruncatedFileError
        if block.endswith(b"\xff"):
            source.seek(-1, 1)  # the other half of a marker may follow


def _read_png(source: BinaryIO, size_bytes: int) -> Header | None:
    source.seek(8)
    size: tuple[int, int] | None = None
    for _ in range(MAX_PNG_CHUNKS):
        length, name = struct.unpack(">I4s", _exactly(source, 8))
        if size is None:
            if name != b"IHDR" or length != 13:
                return None
            size = struct.unpack(">II", _exactly(source, 8))
            length -= 8
        if name == b"IEND":
            break
        if source.tell() + length + 4 > size_bytes:
            raise TruncatedFileError
        source.seek(length + 4, 1)
    else:
        return None
    return Header("image/png", *size) if size else None


def _read_webp(source: BinaryIO, size_bytes: int) -> Header | None:
    source.seek(4)
    (riff_bytes,) = struct.unpack("<I", _exactly(source, 4))
    if riff_bytes + 8 > size_bytes:
        raise TruncatedFileError
    source.seek(12)
    chunk = _exactly(source, 18)
    kind, body = chunk[:4], chunk[8:]
    if kind == b"VP8X":
        width = int.from_bytes(body[4:7], "little") + 1
        height = int.from_bytes(body[7:10], "little") + 1
    elif kind == b"VP8L" and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        width, height = (side & 0x3FFF for side in struct.unpack("<HH", body[6:10]))
    else:
        return None
    return Header("image/webp", width, height)


def _read_heif(source: BinaryIO, size_bytes: int) -> Header | None:
    """Walk the outer boxes; the largest `ispe` is the picture, others its tiles and thumbnail."""
    boxes = _Allowance(MAX_HEIF_BOXES)
    sizes: list[tuple[int, int]] = []
    seen: set[bytes] = set()
    position = 0
    while position < size_bytes:
        boxes.take()
        name, body_at, end = _outer_box(source, position, size_bytes)
        if position == 0 and not _is_heic(_exactly(source, min(end - body_at, 256))):
            return None
        if name == b"meta":
            if end - body_at > MAX_HEIF_META_BYTES:
                return None
            sizes += _heif_sizes(memoryview(_exactly(source, end - body_at)), boxes)
        seen.add(name)
        position = end
    if not {b"meta", b"mdat"} <= seen:
        raise TruncatedFileError  # cut exactly between two boxes
    if not sizes:
        return None
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    return Header("image/heic", width, height)


def _outer_box(source: BinaryIO, position: int, size_bytes: int) -> tuple[bytes, int, int]:
    """Return name, start of the body and end of the box here; the source stands at the body."""
    source.seek(position)
    length, name = struct.unpack(">I4s", _exactly(source, 8))
    body_at = position + 8
    if length == 1:
        (length,) = struct.unpack(">Q", _exactly(source, 8))
        body_at += 8
    elif length == 0:
        length = size_bytes - position
    end = position + length
    if end < body_at or end > size_bytes:
        raise TruncatedFileError
    return name, body_at, end


def _is_heic(brands: bytes) -> bool:
    names = {brands[at : at + 4] for at in range(0, len(brands), 4)}
    return bool(names & _HEIC_BRANDS) and b"avif" not in names


def _heif_sizes(meta: memoryview, boxes: _Allowance) -> list[tuple[int, int]]:
    sizes = []
    for name, body in _boxes(meta[4:], boxes):  # 4 bytes of version and flags
        if name != b"iprp":
            continue
        for inner_name, inner in _boxes(body, boxes):
            if inner_name != b"ipco":
                continue
            for property_name, value in _boxes(inner, boxes):
                if property_name == b"ispe" and len(value) >= 12:
                    sizes.append(struct.unpack(">II", value[4:12]))
    return sizes


def _boxes(data: memoryview, allowance: _Allowance) -> Iterator[tuple[bytes, memoryview]]:
    position = 0
    while position + 8 <= len(data):
        allowance.take()
        length, name = struct.unpack_from(">I4s", data, position)
        if length < 8 or position + length > len(data):
            return
        yield name, data[position + 8 : position + length]
        position += length
