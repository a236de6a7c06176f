"""One text field of an audio file's metadata, for each format that has such a thing, and nothing else of the file.

mutagen would parse all fields and write them anew: ID3v2.3 as 2.4, genres as names, broken text mended, an ID3v1 tag
made from what it knows. So here the other fields stay the bytes they were, and what cannot is refused.
"""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from io import BytesIO
from typing import Any, BinaryIO

KEY = "AUDIOTAGGER"
MP4_KEY = f"----:com.audiotagger:{KEY}"

Edit = Callable[[BinaryIO, BinaryIO, str], None]
"""Write `source` into the empty `copy`, with the value as its field; without the field if the value is empty. Raises
NoFieldError, and for a file that is broken or could not be kept as it is ValueError or what `BROKEN` and mutagen have.
"""

BROKEN = (ValueError, LookupError, EOFError, OverflowError, struct.error)
"""What reading a file that is not what it says may raise, besides mutagen's own errors."""


class NoFieldError(Exception):
    """The file's format has no place for the field."""


def audio_format(file: BinaryIO) -> tuple[type[Any], Edit]:
    """Return mutagen's class for a file, told by its content, and how it is edited. Raises NoFieldError."""
    from mutagen import aiff, flac, mp3, mp4, oggopus, oggvorbis, wave

    head = file.read(36)
    file.seek(_id3_size(head))
    behind_id3 = file.read(4)
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return wave.WAVE, partial(_edit_chunks, "<")
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return aiff.AIFF, partial(_edit_chunks, ">")
    if behind_id3 == b"fLaC":
        return flac.FLAC, _edit_flac
    if head[:4] == b"OggS" and head[28:35] == b"\x01vorbis":
        return oggvorbis.OggVorbis, partial(_edit_ogg, b"\x03vorbis")
    if head[:4] == b"OggS" and head[28:36] == b"OpusHead":
        return oggopus.OggOpus, partial(_edit_ogg, b"OpusTags")
    if head[4:8] == b"ftyp":
        return mp4.MP4, _edit_mp4
    if head[:3] == b"ID3" or (head[:1] == b"\xff" and head[1] >= 0xE0):
        with suppress(mp3.HeaderNotFoundError):
            file.seek(0)
            mp3.MP3(file)
            return mp3.MP3, _edit_mp3
    raise NoFieldError("only MP3, FLAC, OGG, Opus, WAV, AIFF and M4A have a field for them")


def read(kind: type[Any], file: BinaryIO) -> tuple[dict[str, Any], str, float]:
    """Return a file's other fields, the value of ours, and the duration in seconds, as mutagen's class sees them."""
    file.seek(0)
    audio = kind(file)
    fields = {key: audio.tags[key] for key in audio.tags.keys()} if audio.tags is not None else {}  # noqa: SIM118
    ours = [fields.pop(key) for key in (f"TXXX:{KEY}", KEY.lower(), MP4_KEY) if key in fields]
    text = [value[0] if isinstance(value, list) else str(value) for value in ours]
    return fields, "".join(part.decode() if isinstance(part, bytes) else part for part in text), audio.info.length


def _splice(source: BinaryIO, copy: BinaryIO, changes: Iterable[tuple[int, int, bytes]]) -> None:
    """Copy `source` with the bytes from start to end replaced, for each (start, end, bytes) in order."""
    source.seek(0)
    for start, end, data in changes:
        while left := start - source.tell():
            if not copy.write(source.read(min(left, 1 << 20))):
                raise EOFError("it was cut off meanwhile")
        copy.write(data)
        source.seek(end)
    shutil.copyfileobj(source, copy, 1 << 20)


def _edit_mp3(source: BinaryIO, copy: BinaryIO, value: str) -> None:
    from mutagen.mp3 import MP3

    source.seek(0)
    size = _id3_size(source.read(10))
    source.seek(0)
    old = source.read(size)
    source.seek(0)
    # A player that finds a tag of version 2 looks for none of version 1, so a new one begins with what that one says.
    fresh = None if old else MP3(source).tags
    _splice(source, copy, [(0, size, _id3_tag(old, value, fresh))])


def _id3_size(head: bytes) -> int:
    """The bytes of the ID3v2 tag that begins with `head` [10], 0 if there is none."""
    if head[:3] != b"ID3":
        return 0
    return 10 + sum(byte << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))


def _id3_tag(old: bytes, value: str, fresh: Any = None) -> bytes:
    """The ID3 tag `old`, or where that is empty `fresh`, with our frame; nothing if that leaves no frame."""
    from mutagen.id3 import ID3, TXXX

    version = 4
    tags = fresh if fresh and value else ID3()
    if old:
        # Frames that mutagen does not know it keeps as bytes; here it knows none.
        tags.load(BytesIO(old), known_frames={}, translate=False, load_v1=False)
        version = tags.version[1]
        # The tag is written without flags, and its frames must be all there is in it.
        frames = old[10:].replace(b"\xff\x00", b"\xff") if (version, old[5]) == (3, 0x80) else old[10:]
        understood = frames.rstrip(b"\0") == b"".join(tags.unknown_frames).rstrip(b"\0")
        if version not in (3, 4) or old[5] not in ((0, 0x80) if version == 3 else (0,)) or not understood:
            raise ValueError(f"its ID3v2.{version} tag could not be kept as it is")
        tags.unknown_frames = [frame for frame in tags.unknown_frames if not _is_ours(frame)]
    if value:
        tags.add(TXXX(encoding=0 if value.isascii() else 1, desc=KEY, text=[value]))
    elif not tags.unknown_frames:
        return b""
    data = BytesIO()
    tags.save(data, v2_version=version)
    return data.getvalue()


def _is_ours(frame: bytes) -> bool:
    encoding = dict(enumerate(("latin-1", "utf-16", "utf-16-be", "utf-8"))).get(frame[10], "latin-1")
    return frame[:4] == b"TXXX" and frame[11:].decode(encoding, "replace").partition("\0")[0] == KEY


def _edit_chunks(order: str, source: BinaryIO, copy: BinaryIO, value: str) -> None:
    """RIFF (`order` "<") or IFF (">"): the ID3 chunk stays where it is; a new one goes to the end, behind the sound."""
    source.seek(4)
    end = 8 + struct.unpack(f"{order}I", source.read(4))[0]
    name, old, span = b"id3 " if order == "<" else b"ID3 ", b"", (end, end)
    position = 12
    while position < end:
        source.seek(position)
        chunk, size = struct.unpack(f"{order}4sI", source.read(8))
        behind = position + 8 + size + size % 2
        if chunk.lower() == b"id3 " and not old:
            name, old, span = chunk, source.read(size), (position, min(behind, end))
        position = behind
    if end > os.fstat(source.fileno()).st_size or position - end not in (0, 1):  # 1: many leave the last padding out
        raise ValueError("its chunks are not as long as they say")
    data = b""
    if tag := _id3_tag(old, value):
        data = bytes(span[0] % 2) + name + struct.pack(f"{order}I", len(tag)) + tag + bytes(len(tag) % 2)
    length = end - 8 + len(data) - (span[1] - span[0])
    if length > 0xFFFFFFFF:
        raise NoFieldError("it would outgrow the 4 GiB of its format")
    _splice(source, copy, [(4, 8, struct.pack(f"{order}I", length)), (*span, data)])


def _edit_flac(source: BinaryIO, copy: BinaryIO, value: str) -> None:
    source.seek(0)
    start = _id3_size(source.read(10)) + len(b"fLaC")
    source.seek(start)
    blocks, last = [], 0
    while not last:
        header = source.read(4)
        last = header[0] & 0x80
        blocks.append((header[0] & 0x7F, source.read(int.from_bytes(header[1:]))))
    end = source.tell()
    if source.read(1) not in (b"", b"\xff"):  # some writers let a picture outgrow the size of its block
        raise ValueError("its blocks are not as long as they say")
    vorbis_comment = 4
    index = next((i for i, (code, _) in enumerate(blocks) if code == vorbis_comment), None)
    if index is not None:
        blocks[index] = vorbis_comment, _comments(blocks[index][1], value)
    elif value:
        blocks.insert(1, (vorbis_comment, _comments(bytes(8), value)))  # behind STREAMINFO, which is always first
    headers = [bytes([code]) + len(data).to_bytes(3) for code, data in blocks]
    headers[-1] = bytes([headers[-1][0] | 0x80]) + headers[-1][1:]
    data = b"".join(header + data for header, (_, data) in zip(headers, blocks, strict=True))
    _splice(source, copy, [(start, end, data)])


def _edit_ogg(magic: bytes, source: BinaryIO, copy: BinaryIO, value: str) -> None:
    """The packet of comments begins with `magic`."""
    from mutagen.ogg import OggPage

    shutil.copyfileobj(source, copy)
    copy.seek(0)
    serial = OggPage(copy).serial
    old: list[OggPage] = []
    while not old or not (old[-1].complete or len(old[-1].packets) > 1):
        page = OggPage(copy)
        if page.serial == serial:
            old.append(page)
    packets = OggPage.to_packets(old)
    if not packets[0].startswith(magic):
        raise ValueError("its comments are not where they belong")
    packets[0] = magic + _comments(packets[0][len(magic) :], value)
    new = OggPage.from_packets(packets)
    new[-1].position = old[-1].position
    OggPage.replace(copy, old, new)


def _comments(old: bytes, value: str) -> bytes:
    """Vorbis comments with ours: the maker's name, the number of entries, the entries, and whatever follows."""
    begin = 4 + int.from_bytes(old[:4], "little")
    (count,) = struct.unpack_from("<I", old, begin)
    entries, position = [], begin + 4
    for _ in range(count):
        (length,) = struct.unpack_from("<I", old, position)
        entry = old[position + 4 : position + 4 + length]
        if len(entry) != length:
            raise ValueError("its comments are cut off")
        entries.append(entry)
        position += 4 + length
    entries = [entry for entry in entries if entry.partition(b"=")[0].upper() != KEY.encode()]
    if value:
        entries.append(f"{KEY}={value}".encode())
    new = b"".join(struct.pack("<I", len(entry)) + entry for entry in entries)
    return old[:begin] + struct.pack("<I", len(entries)) + new + old[position:]


def _edit_mp4(source: BinaryIO, copy: BinaryIO, value: str) -> None:
    from mutagen.mp4 import MP4, MP4FreeForm, MP4MetadataError, MP4Tags
    from mutagen.mp4._atom import Atoms

    class OurTags(MP4Tags):
        def __setitem__(self, key: str, value: Any) -> None:
            if key != MP4_KEY:  # what mutagen fails to parse it writes back as bytes
                raise MP4MetadataError("not ours")
            super().__setitem__(key, value)  # type: ignore[no-untyped-call]

    class OurMP4(MP4):
        MP4Tags = OurTags

    source.seek(0)
    shutil.copyfileobj(source, copy)
    copy.seek(0)
    audio: Any = OurMP4(copy)  # type: ignore[no-untyped-call]
    copy.seek(0)
    if b"moof" in Atoms(copy):  # fragments have offsets all over the file, and mutagen mends only the first ones
        raise ValueError("it is fragmented")
    if audio.tags is None:
        if not value:
            return
        audio.add_tags()
    audio.tags.pop(MP4_KEY, None)
    if value:
        audio.tags[MP4_KEY] = [MP4FreeForm(value.encode())]
    copy.seek(0)
    audio.save(copy)
