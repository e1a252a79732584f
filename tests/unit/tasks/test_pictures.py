"""Pictures of strangers: good ones of every format, and every way to be broken."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image

from tasks.pictures import PictureError, PictureInfo, inspect_picture, open_picture

COFFEE = Path(__file__).parents[2] / "files/coffee.jpg"
MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "HEIF": "image/heic",
}


def two_halves(width: int = 120, height: int = 80, mode: str = "RGB") -> Image.Image:
    """Return a picture that is red on top and blue below: tells when it was turned."""
    picture = Image.new("RGB", (width, height), (220, 20, 20))
    picture.paste((20, 20, 220), (0, height // 2, width, height))
    return picture.convert(mode)


def saved(picture: Image.Image, format_name: str, **options: object) -> bytes:
    file = io.BytesIO()
    if format_name == "HEIF":
        pillow_heif.from_pillow(picture).save(file, **options)
    else:
        picture.save(file, format_name, **options)
    return file.getvalue()


def inspected(data: bytes, **limits: int) -> PictureInfo:
    return inspect_picture(io.BytesIO(data), len(data), **limits)


def refusal(read: Callable[[], object]) -> str:
    with pytest.raises(PictureError) as error:
        read()
    return error.value.code


def png_claiming(width: int, height: int, pixels: bytes = b"") -> bytes:
    """Return a PNG whose header says this size and whose data is whatever it is."""

    def chunk(name: bytes, body: bytes) -> bytes:
        checksum = zlib.crc32(name + body)
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(pixels, 9))
        + chunk(b"IEND", b"")
    )


def is_red(colour: object) -> bool:
    assert isinstance(colour, tuple)
    return bool(colour[0] > 150 and colour[2] < 100)


@pytest.mark.parametrize("format_name", MEDIA_TYPES)
def test_picture_is_known_by_its_content(format_name: str) -> None:
    data = saved(two_halves(), format_name)
    assert inspected(data) == PictureInfo(MEDIA_TYPES[format_name], 120, 80)
    picture = open_picture(data)
    assert (picture.mode, picture.size) == ("RGB", (120, 80))
    assert is_red(picture.getpixel((60, 5)))
    assert not is_red(picture.getpixel((60, 75)))


@pytest.mark.parametrize(
    ("format_name", "options"),
    [
        ("JPEG", {"progressive": True}),
        ("JPEG", {"exif": b"Exif\x00\x00" + b"\xff\xd9" * 40}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"exif": b"Exif\x00\x00MM\x00*"}),
        ("PNG", {"optimize": True}),
    ],
)
def test_every_flavour_is_understood(format_name: str, options: dict[str, object]) -> None:
    data = saved(two_halves(), format_name, **options)
    assert inspected(data) == PictureInfo(MEDIA_TYPES[format_name], 120, 80)
    assert open_picture(data).size == (120, 80)


def test_real_photograph() -> None:
    data = COFFEE.read_bytes()
    assert inspected(data) == PictureInfo("image/jpeg", 600, 400)
    assert open_picture(data).size == (600, 400)


def test_inspecting_leaves_the_source_at_its_start() -> None:
    source = io.BytesIO(saved(two_halves(), "PNG"))
    source.seek(7)
    inspect_picture(source, len(source.getvalue()))
    assert source.tell() == 0


def test_inspecting_needs_no_decoder() -> None:
    """The web process reads headers only; it never loads Pillow or libheif."""
    program = (
        "import sys, io; from tasks.pictures import inspect_picture;"
        f"data = open({str(COFFEE)!r}, 'rb').read();"
        "inspect_picture(io.BytesIO(data), len(data));"
        "print([name for name in ('PIL', 'pillow_heif', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP"])
def test_camera_rotation_is_undone(format_name: str, orientation: int) -> None:
    """All eight values: what was red on top stays red on top."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    upright = two_halves()
    stored = upright.transpose(undo[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = open_picture(saved(stored, format_name, exif=exif.tobytes()))
    assert picture.size == (120, 80)
    assert is_red(picture.getpixel((60, 5)))
    assert not is_red(picture.getpixel((60, 75)))


def test_heic_rotation_is_undone_once() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = two_halves().transpose(Image.Transpose.ROTATE_90)
    picture = open_picture(saved(stored, "HEIF", exif=exif.tobytes()))
    assert picture.size == (120, 80)
    assert is_red(picture.getpixel((60, 5)))


def test_metadata_is_dropped() -> None:
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    exif.get_ifd(0x8825)[1] = "N"
    picture = open_picture(saved(two_halves(), "JPEG", exif=exif.tobytes(), comment=b"at home"))
    assert picture.info == {}
    assert dict(picture.getexif()) == {}


def test_broken_metadata_does_not_spoil_a_picture() -> None:
    data = saved(two_halves(), "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff")
    assert open_picture(data).size == (120, 80)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK"])
def test_every_pixel_mode_becomes_rgb(mode: str) -> None:
    grey = Image.new("I;16", (120, 80), 40_000)
    picture = grey if mode == "I;16" else two_halves(mode=mode)
    opened = open_picture(saved(picture, "JPEG" if mode == "CMYK" else "PNG"))
    assert (opened.mode, opened.size) == ("RGB", (120, 80))
    if mode == "I;16":
        assert opened.getpixel((5, 5)) == (156, 156, 156)


@pytest.mark.parametrize("format_name", ["PNG", "WEBP"])
def test_transparent_becomes_white(format_name: str) -> None:
    picture = Image.new("RGBA", (50, 50), (0, 0, 0, 0))
    assert open_picture(saved(picture, format_name)).getpixel((25, 25)) == (255, 255, 255)


def test_large_picture_is_handed_on_small() -> None:
    picture = open_picture(saved(two_halves(3000, 1500), "PNG"))
    assert picture.size == (1024, 512)


def test_empty_file() -> None:
    assert refusal(lambda: inspected(b"")) == "empty_file"
    assert refusal(lambda: open_picture(b"")) == "empty_file"


@pytest.mark.parametrize(
    "data",
    [
        b"x",
        b"hello, world, this is a text",
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"PK\x03\x04" + bytes(100),
        b"\x00" * 1000,
        b"\xff\xd8\xff\xd9" + bytes(100),
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\x04IEND" + bytes(100),
        b"RIFF\x20\x00\x00\x00WEBPVP8?" + bytes(100),
        b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isommp42" + bytes(100),
        b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1heic" + bytes(100),
    ],
)
def test_what_is_not_a_picture_is_told_which_are(data: bytes) -> None:
    with pytest.raises(PictureError) as error:
        inspected(data)
    assert error.value.code == "not_a_picture"
    assert "JPEG, PNG, WebP or HEIC" in error.value.message


@pytest.mark.parametrize("format_name", ["GIF", "BMP", "TIFF", "PPM", "AVIF"])
def test_other_formats_are_refused_by_content(format_name: str) -> None:
    data = saved(two_halves(), format_name)
    assert refusal(lambda: inspected(data)) == "not_a_picture"
    assert refusal(lambda: open_picture(data)) == "not_a_picture"


@pytest.mark.parametrize("format_name", MEDIA_TYPES)
def test_picture_cut_off_anywhere_is_refused_by_its_headers(format_name: str) -> None:
    whole = saved(two_halves(), format_name)
    end = (
        len(whole) - 4 if format_name == "PNG" else len(whole) - 1
    )  # a lost last checksum is harmless
    for length in range(16, end, max(1, end // 150)):
        cut = whole[:length]
        assert refusal(lambda cut=cut: inspected(cut)) == "picture_truncated", length
        assert refusal(lambda cut=cut: open_picture(cut)) == "picture_truncated", length


def test_data_after_the_end_does_not_hide_a_missing_end() -> None:
    whole = saved(two_halves(), "JPEG")
    assert inspected(whole + b"MotionPhoto" * 1000).width == 120
    assert refusal(lambda: inspected(whole[:-2] + b"MotionPhoto" * 1000)) == "picture_truncated"


@pytest.mark.parametrize("format_name", MEDIA_TYPES)
def test_damaged_pixels_are_refused_or_read_never_worse(format_name: str) -> None:
    """Bytes flipped all over the file end in a picture or in a named error."""
    whole = bytearray(saved(two_halves(), format_name))
    for position in range(12, len(whole), max(1, len(whole) // 200)):
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        try:
            picture = open_picture(bytes(damaged), max_pixels=1_000_000)
        except PictureError as error:
            assert error.message.endswith(".")
        else:
            assert max(picture.size) <= 1024


def test_damaged_png_is_unreadable() -> None:
    data = png_claiming(100, 100, b"short")
    assert inspected(data).width == 100
    assert refusal(lambda: open_picture(data)) in ("picture_unreadable", "picture_truncated")


def test_sixty_megapixels_are_refused_with_the_cap() -> None:
    """A real JPEG of 10,000 by 6,000 pixels, made here."""
    data = saved(Image.new("L", (10_000, 6_000)), "JPEG")
    for read in (inspected, open_picture):
        with pytest.raises(PictureError) as error:
            read(data)
        assert error.value.code == "picture_too_large"
        assert "50 megapixels" in error.value.message
        assert error.value.values == {"max_megapixels": 50}


@pytest.mark.parametrize(
    "bomb",
    [
        png_claiming(60_000, 60_000, bytes(1_000_000)),
        png_claiming(2**31 - 1, 2**31 - 1),
        b"RIFF\x1e\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00"
        + b"\xff\xff\xff" * 2
        + bytes(8),
        b"RIFF\x16\x00\x00\x00WEBPVP8L\x05\x00\x00\x00\x2f\xff\xff\xff\x0f" + bytes(8),
    ],
)
def test_bomb_is_refused_by_its_header(bomb: bytes) -> None:
    assert refusal(lambda: inspected(bomb)) == "picture_too_large"
    assert refusal(lambda: open_picture(bomb)) == "picture_too_large"


def test_progressive_jpeg_is_read_up_to_a_hundred_scans() -> None:
    """Each scan makes the decoder go through every pixel again: a megabyte could take minutes."""
    progressive = saved(two_halves(), "JPEG", progressive=True)
    last = progressive.rindex(b"\xff\xda")
    scans, again = progressive.count(b"\xff\xda"), progressive[last:-2]
    fitting = progressive[:-2] + again * (100 - scans) + b"\xff\xd9"
    assert is_red(open_picture(fitting).getpixel((60, 5)))
    # An end marker inside a comment ends nothing, for the decoder neither.
    hidden = b"\xff\xfe\x00\x04\xff\xd9"
    for between in (b"", hidden):
        data = progressive[:-2] + between + again * (101 - scans) + b"\xff\xd9"
        assert refusal(lambda data=data: inspected(data)) == "picture_too_complex"
        assert refusal(lambda data=data: open_picture(data)) == "picture_too_complex"
    # Behind the end may be anything: a video of random bytes has such pairs too.
    assert inspected(progressive + b"\xff\xda" * 1000).width == 120


def box(name: bytes, body: bytes) -> bytes:
    """Return a box of a HEIC file."""
    return struct.pack(">I4s", len(body) + 8, name) + body


JPEG_FRAME = b"\xff\xc2\x00\x11\x08\x00\x10\x00\x10\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01"
JPEG_SCAN = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"
HEIC_START = box(b"ftyp", b"heic\x00\x00\x00\x00heic")
HEIC_SIZES = box(b"ipco", box(b"ispe", bytes(12)) * 1000)


@pytest.mark.parametrize(
    ("start", "part"),
    [
        (b"\xff\xd8", b"\xff\xe0\x00\x02"),
        (b"\xff\xd8", b"\xff"),
        (b"\xff\xd8", b"\xff" * 1999 + b"\xe0\x00\x02"),
        (b"\xff\xd8" + JPEG_FRAME + JPEG_SCAN, b"\xff"),
        (b"\xff\xd8" + JPEG_FRAME + JPEG_SCAN, b"\xff\x00"),
        (b"\xff\xd8" + JPEG_FRAME + JPEG_SCAN, b"\xff\xd0"),
        (b"\xff\xd8" + JPEG_FRAME + JPEG_SCAN, b"\xff\xc4\x00\x02"),
        (b"\xff\xd8" + JPEG_FRAME, JPEG_SCAN + b"\x00"),
        (HEIC_START, box(b"free", b"")),
        (HEIC_START, box(b"meta", bytes(4) + box(b"iprp", HEIC_SIZES))),
        (HEIC_START, box(b"meta", bytes(4) + box(b"free", b"") * 500_000)),
    ],
)
def test_file_of_tiny_parts_is_refused_at_once(start: bytes, part: bytes) -> None:
    """20 MB made to be walked byte by byte; all visitors wait while the web process does."""
    data = start + part * (20 * 2**20 // len(part))
    began = time.process_time()
    assert refusal(lambda: inspected(data)) == "picture_too_complex"
    # Measured: 35 ms at most. Walked without limits it was 0.5 to 2 s.
    assert time.process_time() - began < 0.25


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="only Linux tells the most memory a process had"
)
@pytest.mark.parametrize(
    ("format_name", "mode", "options", "megabytes"),
    [
        ("JPEG", "RGB", {}, 60),
        ("JPEG", "RGB", {"progressive": True}, 250),
        ("PNG", "RGB", {}, 300),
        ("PNG", "P", {}, 350),
        ("PNG", "RGBA", {}, 650),
        ("WEBP", "RGB", {}, 850),
        ("HEIF", "RGB", {"quality": 20}, 450),
    ],
)
def test_largest_allowed_picture_costs_bounded_memory(
    tmp_path: Path, format_name: str, mode: str, options: dict[str, object], megabytes: int
) -> None:
    """Just inside the cap of 50 megapixels, of one colour: a file of some kilobytes."""
    file = tmp_path / "large"
    file.write_bytes(saved(Image.new(mode, (9_900, 5_000)), format_name, **options))
    program = (
        "import PIL.JpegImagePlugin, pillow_heif; from tasks.pictures import open_picture;"
        "status = lambda: open('/proc/self/status').read().split('VmHWM:')[1].split()[0];"
        f"before = int(status()); data = open({str(file)!r}, 'rb').read();"
        "print(open_picture(data).size, (int(status()) - before) // 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    size, _, used = done.stdout.rpartition(" ")
    assert size == "(1024, 517)"
    assert int(used) < megabytes
