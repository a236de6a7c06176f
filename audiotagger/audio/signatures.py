"""Tell from a file's first bytes whether it holds sound: names lie, and opening a decoder for every file is slow."""

from __future__ import annotations

from typing import NamedTuple

HEAD_BYTES = 512
"""How much of a file's beginning is enough to judge it."""


class Format(NamedTuple):
    """What a file with sound is called, and whether libsndfile reads it."""

    name: str
    native: bool


_STARTS = {
    b"fLaC": Format("FLAC", True),
    b"OggS": Format("OGG", True),
    b"ID3": Format("MP3", True),
    b".snd": Format("AU", True),
    b"caff": Format("CAF", True),
    b"RF64": Format("RF64", True),
    b"riff\x2e\x91\xcf\x11": Format("W64", True),
    b"NIST_1A": Format("NIST", True),
    b"Creative Voice File": Format("VOC", True),
    b"\x1aE\xdf\xa3": Format("Matroska/WebM", False),
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": Format("WMA/ASF", False),
    b"#!AMR": Format("AMR", False),
    b"wvpk": Format("WavPack", False),
    b"TTA1": Format("TTA", False),
    b"MAC ": Format("Monkey's Audio", False),
    b"MPCK": Format("Musepack", False),
    b"MP+": Format("Musepack", False),
    b"DSD ": Format("DSF", False),
    b"tBaK": Format("TAK", False),
    b"\x7f\xfe\x80\x01": Format("DTS", False),
    b"\x00\x00\x01\xba": Format("MPEG video", False),
    b"FLV\x01": Format("FLV", False),
    b".RMF": Format("RealMedia", False),
}

_IFF_FORMS = {
    b"WAVE": Format("WAV", True),
    b"AIFF": Format("AIFF", True),
    b"AIFC": Format("AIFF", True),
    b"8SVX": Format("SVX", True),
    b"AVI ": Format("AVI", False),
}

_MP4 = Format("MP4/M4A", False)
_PICTURE_BRANDS = {b"avif", b"avis", b"crx ", b"heic", b"heix", b"hevc", b"hevx", b"mif1", b"msf1"}

_OTHER_STARTS = (
    b"\x00\x05\x16\x07",  # AppleDouble, what macOS leaves as ._NAME on foreign disks
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"%PDF",
    b"PK\x03\x04",
    b"\xff\xfe",  # text in UTF-16, which also looks like MPEG layer I
    b"\xfe\xff",
)


def format_of(head: bytes) -> Format | None:
    """Return the format of a file that begins with `head`, its first `HEAD_BYTES`, if it looks like one with sound.

    It may be broken all the same, or a video without sound.
    """
    for start, known in _STARTS.items():
        if head.startswith(start):
            return known
    if head[:4] in (b"RIFF", b"RIFX", b"FORM"):
        return _IFF_FORMS.get(head[8:12])
    if head[4:8] == b"ftyp":
        return None if _is_picture(head) else _MP4
    if head[4:8] in (b"moov", b"mdat", b"wide"):
        return _MP4
    if len(head) > 188 and all(byte == 0x47 for byte in head[::188]):
        return Format("MPEG-TS", False)
    return _frame_format(head)


def is_something_else(head: bytes) -> bool:
    """Whether a file beginning with `head` is certainly no audio: text, a picture, an archive."""
    return format_of(head) is None and (head.startswith(_OTHER_STARTS) or _is_picture(head) or _is_text(head))


def _is_picture(head: bytes) -> bool:
    return head[4:8] == b"ftyp" and head[8:12] in _PICTURE_BRANDS


def _frame_format(head: bytes) -> Format | None:
    """Formats without a header of the file, only of each frame."""
    if len(head) < 6 or head.startswith(_OTHER_STARTS):
        return None
    if head[:2] == b"\x0b\x77" and head[5] >> 3 <= 16:
        return Format("AC-3", False)
    if head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    if layer == 0:
        return Format("AAC", False) if version >= 2 and head[2] >> 2 & 15 < 13 else None
    bitrate, rate = head[2] >> 4, head[2] >> 2 & 3
    return Format("MP3", True) if version != 1 and 0 < bitrate < 15 and rate != 3 else None


def _is_text(head: bytes) -> bool:
    for cut in range(4):  # the last character may be halved
        try:
            text = head[: len(head) - cut].decode()
        except UnicodeDecodeError:
            continue
        return bool(text) and all(character >= " " or character in "\t\n\r\f" for character in text)
    return False
