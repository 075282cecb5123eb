"""What a file is, by its content and not by what it says, and what of it may be kept.

Images are decoded and encoded anew: what hides in them (a second file, a place where the photograph was taken) is gone.
Everything else is only ever handed out as a download.
"""

import io
import re
import struct
import unicodedata
from dataclasses import dataclass
from itertools import islice
from threading import BoundedSemaphore
from typing import Any

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageOps, ImageSequence
from PIL.Image import DecompressionBombError, DecompressionBombWarning

from realtime.languages import in_site_language
from realtime.protocol import Refusal

MAX_BYTES = 10_000_000  # of one file
MAX_PIXELS = 25_000_000  # of one image, all its frames together
MAX_FRAMES = 200
NAME_LENGTH = 100  # characters, as the column has

PDF = "application/pdf"
TEXT = "text/plain"
IMAGES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "GIF": "image/gif"}
IMAGE_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"RIFF")
# The name that is shown ends as its type does, or in .txt: no `picture.exe` is ever handed out.
SUFFIXES = {
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/webp": (".webp",),
    "image/gif": (".gif",),
    PDF: (".pdf",),
    TEXT: (".txt", ".csv", ".json", ".geojson", ".md", ".log", ".diff", ".patch", ".py", ".toml", ".yaml", ".yml"),
}

_decoding = BoundedSemaphore(2)  # an open image of 25 megapixels takes 100 MB


@dataclass(frozen=True, slots=True)
class Content:
    """A file that may be kept: bytes that are ours, a name that is harmless, a type that is true."""

    data: bytes
    name: str
    content_type: str
    width: int | None = None
    height: int | None = None


def read(file: Any) -> Content:
    """Examine an uploaded file. Raises `Refusal` with `too_long` or `bad_value`."""
    if file.size > MAX_BYTES:
        raise _refusal("too_long", format_lazy(_("A file may have {size} MB."), size=MAX_BYTES // 1_000_000))
    data = file.read(MAX_BYTES + 1)
    if not data:
        raise _refusal("bad_value", _("The file is empty."))
    if data.startswith(IMAGE_SIGNATURES):
        with _decoding:
            data, content_type, width, height = _reencode(data)
        return Content(data, clean_name(file.name, content_type), content_type, width, height)
    content_type = _type_of(data)
    return Content(data, clean_name(file.name, content_type), content_type)


def clean_name(name: str | None, content_type: str) -> str:
    """What to call a file on the page: no folders, no control characters or text that runs backwards, not too long."""
    name = unicodedata.normalize("NFC", re.split(r"[/\\]", name or "")[-1])
    name = "".join(" " if unicodedata.category(character)[0] in "CZ" else character for character in name)
    name = " ".join(name.split()).lstrip(". ") or _no_name()
    suffixes = SUFFIXES[content_type]
    stem, dot, suffix = name.rpartition(".")
    if not (stem and f".{suffix.lower()}" in suffixes):
        stem, dot, suffix = name, "", suffixes[0]
    return f"{stem[: NAME_LENGTH - len(dot + suffix)]}{dot}{suffix}"


def _no_name() -> str:
    with in_site_language():
        return gettext("file")


def _type_of(data: bytes) -> str:
    if data.startswith(b"%PDF-"):
        return PDF
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if re.search(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]", text):
        raise _refusal("bad_value", _("Only images (PNG, JPEG, WebP, GIF), PDF and plain text can be sent."))
    return TEXT


def _reencode(data: bytes) -> tuple[bytes, str, int, int]:
    """The image as we would have written it: data, content type, width, height."""
    try:
        # Only these decoders: Pillow knows many more, and each is a way in.
        with Image.open(io.BytesIO(data), formats=list(IMAGES)) as image:
            kind = "JPEG" if image.format == "MPO" else str(image.format)  # MPO: the JPEG of phones, with extra views
            frames = _frames(image, limit=1 if kind == "JPEG" else _check_frames(image))
            return _encode(kind, frames), IMAGES[kind], *frames[0].size
    except (DecompressionBombError, DecompressionBombWarning):
        raise _too_large() from None
    except (OSError, ValueError, SyntaxError, LookupError, TypeError, OverflowError, struct.error):  # as Pillow says no
        raise _refusal("bad_value", _("This image is damaged.")) from None


def _check_frames(image: Image.Image) -> int:
    """How many frames may be decoded. They are tried one by one, since asking for their number would visit them all."""
    area = image.width * image.height
    allowed = min(MAX_FRAMES, MAX_PIXELS // area)
    if allowed and getattr(image, "is_animated", False):
        try:
            image.seek(allowed)
        except EOFError:
            image.seek(0)
        else:
            words = ngettext_lazy(
                "An animation of this size may have {count} frame.", "An animation of this size may have {count} frames.", allowed
            )
            raise _refusal("too_long", format_lazy(words, count=allowed))
    return allowed


def _frames(image: Image.Image, limit: int) -> list[Image.Image]:
    if image.width * image.height > MAX_PIXELS:  # known from the header, before anything is decoded
        raise _too_large()
    frames = []
    for frame in islice(ImageSequence.Iterator(image), limit):
        kept: dict[Any, Any] = {key: frame.info[key] for key in ("transparency", "duration", "loop") if key in frame.info}
        upright = ImageOps.exif_transpose(frame)
        upright.info = kept  # comments, EXIF, XMP and colour profiles go: an encoder would copy some of them
        frames.append(upright)
    return frames


def _encode(kind: str, frames: list[Image.Image]) -> bytes:
    first, *rest = frames
    options: dict[str, Any] = {}
    if kind == "JPEG":
        first = first if first.mode in {"L", "RGB"} else first.convert("RGB")
        options = {"quality": 88}
    elif kind == "WEBP":
        options = {"quality": 85}
    if rest:
        options |= {
            "save_all": True,
            "append_images": rest,
            "duration": [frame.info.get("duration", 100) for frame in frames],
            "loop": first.info.get("loop", 0),
        }
    output = io.BytesIO()
    first.save(output, format=kind, **options)
    return output.getvalue()


def _too_large() -> Refusal:
    return _refusal("too_long", format_lazy(_("An image may have {size} megapixels."), size=MAX_PIXELS // 1_000_000))


def _refusal(code: str, message: str | Promise) -> Refusal:
    return Refusal(code, message, field="file")
