"""Reads pictures sent by strangers: what their headers say, and their pixels within bounds."""

from __future__ import annotations

import functools
import io
import struct
import warnings
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from tasks.errors import JobError
from tasks.picture_headers import TooComplexError, TruncatedFileError, read_header

if TYPE_CHECKING:  # Pillow is imported on first use; the web process never does
    from PIL import Image
    from PIL.ImageFile import ImageFile

DEFAULT_MAX_PIXELS = 50_000_000
WORKING_SIDE = 1024  # pixels; the longest side handed on. The model looks at 224
_PILLOW_FORMATS = {
    "image/jpeg": ("JPEG",),
    "image/png": ("PNG",),
    "image/webp": ("WEBP",),
    "image/heic": ("HEIF",),
}
_ORIENTATION_TAG = 0x0112
# What decoders raise for broken data. Not every Exception: the job's time limit is one too.
_DAMAGE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)

# Sentences for people, and the keys of their translations.
MESSAGES = {
    "empty_file": "The file is empty.",
    "not_a_picture": "This is not a picture we can read. Send a JPEG, PNG, WebP or HEIC file.",
    "picture_truncated": "The picture is cut off. Send the whole file again.",
    "picture_unreadable": "The picture is damaged and cannot be read. Send another one.",
    "picture_too_complex": "The picture takes too long to read. Send another one.",
    "picture_too_large": (
        "The picture has more than %(max_megapixels)s megapixels. Send a smaller one."
    ),
}


class PictureError(JobError):
    """The file is not a picture we take; the same file will never be (no retry).

    Attributes:
        code: for programs, stable; a key of MESSAGES.
        values: what fills the placeholders of the sentence, in any language.
        message: the sentence in English.
    """

    def __init__(self, code: str, **values: object) -> None:
        self.values = values
        self.message = MESSAGES[code] % values
        super().__init__(code, self.message)


@dataclass(frozen=True, slots=True)
class PictureInfo:
    """What the headers say; width and height in pixels as stored, before any rotation."""

    media_type: str
    width: int
    height: int


def inspect_picture(
    source: BinaryIO, size_bytes: int, *, max_pixels: int = DEFAULT_MAX_PIXELS
) -> PictureInfo:
    """Tell what picture this is by its content, without decoding it.

    Also walks the outer structure of the file, so that an upload that was cut off is refused while
    the person is still there. What only decoding can show is left to `open_picture`.

    Args:
        source: seekable; left at its start.
        size_bytes: how long the file is.
        max_pixels: the most width times height may be.

    Raises:
        PictureError: `empty_file`, `not_a_picture`, `picture_truncated`, `picture_too_complex`,
            `picture_too_large`.
    """
    if size_bytes == 0:
        raise PictureError("empty_file")
    try:
        header = read_header(source, size_bytes)
    except TruncatedFileError as error:
        raise PictureError("picture_truncated") from error
    except TooComplexError as error:
        raise PictureError("picture_too_complex") from error
    finally:
        source.seek(0)
    if header is None or not header.width or not header.height:
        raise PictureError("not_a_picture")
    _check_pixels(header.width, header.height, max_pixels)
    return PictureInfo(header.media_type, header.width, header.height)


def open_picture(data: bytes, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> Image.Image:
    """Decode a picture for looking at: upright, RGB, on white, at most WORKING_SIDE pixels a side.

    Nothing but pixels is kept: place, camera and time are gone. Memory is bounded by max_pixels,
    for a moment and in bytes a pixel: 1 for an ordinary JPEG (decoded at a fraction of its size),
    6 for a progressive one, 12 for PNG and HEIC, 16 for WebP (whose decoder keeps two canvases).

    Raises:
        PictureError: as `inspect_picture`, and `picture_unreadable` when decoding fails.
    """
    info = inspect_picture(io.BytesIO(data), len(data), max_pixels=max_pixels)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about odd metadata; the pixel cap is ours
            return _decode(data, info, max_pixels)
    except _DAMAGE as error:
        code = "picture_truncated" if "truncated" in str(error) else "picture_unreadable"
        raise PictureError(code) from error


def _check_pixels(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise _too_large(max_pixels)


def _too_large(max_pixels: int) -> PictureError:
    return PictureError("picture_too_large", max_megapixels=max_pixels // 1_000_000)


def _decode(data: bytes, info: PictureInfo, max_pixels: int) -> Image.Image:
    from PIL import Image

    if info.media_type == "image/heic":
        _register_heif()
    with _opened(data, info.media_type, max_pixels) as picture:
        picture.draft("RGB", (WORKING_SIDE, WORKING_SIDE))  # JPEG only: decode at 1/2, 1/4 or 1/8
        picture.load()
        is_turned = info.media_type == "image/heic"  # by libheif
        orientation = 1 if is_turned else _orientation(picture)
        small = _with_plain_mode(picture)
        small.thumbnail((WORKING_SIDE, WORKING_SIDE), Image.Resampling.BICUBIC, reducing_gap=2.0)
    return _turned(_on_white(small), orientation)


def _opened(data: bytes, media_type: str, max_pixels: int) -> ImageFile:
    """Let Pillow read the header: its own opinion of the size counts too."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = max_pixels
    try:
        picture = Image.open(io.BytesIO(data), formats=_PILLOW_FORMATS[media_type])
    except Image.DecompressionBombError as error:
        raise _too_large(max_pixels) from error
    _check_pixels(picture.width, picture.height, max_pixels)
    return picture


def _orientation(picture: Image.Image) -> int:
    try:
        return int(picture.getexif().get(_ORIENTATION_TAG, 1))
    except _DAMAGE:  # a picture with broken metadata is still a picture
        return 1


def _with_plain_mode(picture: Image.Image) -> Image.Image:
    """Return it in a mode that can be scaled smoothly; palettes and 16-bit greys cannot."""
    if picture.mode.startswith("I") or picture.mode == "F":
        return picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if picture.mode == "RGBA":
        return picture  # convert() would copy 4 bytes a pixel
    if "A" in picture.mode or "a" in picture.mode or "transparency" in picture.info:
        return picture.convert("RGBA")
    if picture.mode in ("1", "P"):
        return picture.convert("RGB")
    return picture


def _on_white(picture: Image.Image) -> Image.Image:
    from PIL import Image

    # A new picture: convert() would carry the metadata along.
    canvas = Image.new("RGB", picture.size, "white")
    if picture.mode == "RGBA":
        canvas.paste(picture, mask=picture)
    else:
        canvas.paste(picture.convert("RGB"))
    return canvas


def _turned(picture: Image.Image, orientation: int) -> Image.Image:
    """Undo the rotation a camera noted. Source: Exif 2.32, tag Orientation (values 2 to 8)."""
    from PIL import Image

    method = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }.get(orientation)
    return picture if method is None else picture.transpose(method)


@functools.cache
def _register_heif() -> None:
    import pillow_heif

    pillow_heif.options.DECODE_THREADS = 1
    pillow_heif.options.THUMBNAILS = False
    pillow_heif.options.AUX_IMAGES = False
    pillow_heif.options.DEPTH_IMAGES = False
    pillow_heif.register_heif_opener()
