"""All that an audio file holds, as mutagen and FFmpeg read it, which share no code: two files can be compared by it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from av.container import InputContainer

FIELD = "AUDIOTAGGER"
"""Where labels are: a Vorbis comment in FLAC and Ogg, an ID3 frame in MP3, WAV and AIFF, an iTunes atom in MP4."""

CONVERT = "convert it with ffmpeg -i FILE FILE.flac"
REWRITE = "rewrite it with ffmpeg -i FILE -c copy NEW"

LATIN_1 = {0xDC00 + byte: byte for byte in range(0x80, 0x100)}
"""For text that FFmpeg takes for UTF-8 though it is not: in ID3v1 it is this."""


class Refusal(Exception):  # noqa: N818 (nothing has gone wrong)
    """Why a file takes no labels, and what to do."""


def kind_of(file: BinaryIO) -> type[Any]:
    """Return mutagen's class for a file, told by its content. Raises Refusal for a format that cannot hold labels."""
    import mutagen
    from mutagen import aiff, flac, mp3, mp4, oggflac, oggopus, oggspeex, oggvorbis, wave

    with _demuxer(file) as container:
        name, long_name = container.format.name.partition(",")[0], container.format.long_name
    kinds = {"mp3": mp3.MP3, "wav": wave.WAVE, "aiff": aiff.AIFF, "flac": flac.FLAC, "mov": mp4.MP4}
    if name in kinds:
        return kinds[name]
    file.seek(0)
    audio = mutagen.File(file, options=[oggvorbis.OggVorbis, oggopus.OggOpus, oggflac.OggFLAC, oggspeex.OggSpeex])
    if audio is None:
        raise Refusal(f"only MP3, FLAC, Ogg, WAV, AIFF and MP4 files can hold them, and this is {long_name}", CONVERT)
    return type(audio)


def load(kind: type[Any], file: BinaryIO, **options: bool) -> Any:
    """Return a file as mutagen reads it; `options` are of ID3."""
    file.seek(0)
    # Untranslated: mutagen would turn older frames into those of ID3v2.4, with losses.
    return kind(file, translate=False, **options) if has_id3(kind) else kind(file)


def has_id3(kind: type[Any]) -> bool:
    """Whether files of this kind hold labels in an ID3 tag."""
    return kind.__name__ in ("MP3", "WAVE", "AIFF")


def field_of(kind: type[Any]) -> str:
    """Return what mutagen calls our field in files of this kind."""
    return f"TXXX:{FIELD}" if has_id3(kind) else f"----:com.audiotagger:{FIELD}" if kind.__name__ == "MP4" else FIELD


def stored(kind: type[Any], file: BinaryIO) -> str:
    """Return the value of our field, empty if there is none."""
    values = (load(kind, file).tags or {}).get(field_of(kind), ())
    return "\0".join(value.decode() if isinstance(value, bytes) else value for value in values)


def contents(kind: type[Any], file: BinaryIO) -> dict[str, object]:
    """Return all that is in a file but our field, by what it is."""
    import av

    audio, ours = load(kind, file), (FIELD, field_of(kind).upper())
    tags = {key: audio.tags[key] for key in audio.tags.keys()} if audio.tags is not None else {}  # noqa: SIM118
    blocks = getattr(audio, "metadata_blocks", ())  # of FLAC; 1 is padding, 4 are the comments
    sound, start = blake2b(), sys.maxsize
    found: dict[str, object] = {
        # As text, for some ID3 frames fail to compare; without the encoding, which depends on the version of ID3.
        "tags": {key: re.sub(r"encoding=<[^>]*>", "", repr(tags[key])) for key in tags if key.upper() not in ours},
        "unknown tags": getattr(audio.tags, "unknown_frames", []),
        "pictures": [(block.code, block.write()) for block in blocks if block.code not in (1, 4)],
        "duration": audio.info.length,
    }
    with _demuxer(file) as container:
        parts = enumerate((container, *container.streams))
        fields = {(i, key): text.translate(LATIN_1) for i, part in parts for key, text in part.metadata.items()}
        found["metadata"] = {(i, key): text for (i, key), text in fields.items() if key.upper() not in ours}
        found["chapters"] = container.chapters()
        found["streams"] = [_parameters(stream) for stream in container.streams]
        with suppress(av.error.InvalidDataError):  # a damaged file ends here, and so must its copy
            for packet in container.demux():
                times = packet.pts, packet.dts, packet.duration, packet.is_keyframe
                sound.update(repr((packet.stream_index, packet.size, *times)).encode() + bytes(packet))
                for side in packet.iter_sidedata():  # such as fields of a later part of a chained Ogg file, \0 between
                    sound.update(re.sub(rb"(?i)(?<![^\0])AUDIOTAGGER\0[^\0]*\0", b"", bytes(side)))
                if packet.size and packet.pos is not None and packet.pos >= 0:
                    start = min(start, packet.pos)
    found["sound"] = sound.digest()
    found["structure"] = [(name, _digest(file, begin, size)) for name, begin, size in _pieces(kind, file, start)]
    return found


@contextmanager
def _demuxer(file: BinaryIO) -> Iterator[InputContainer]:
    import av

    def seek(offset: int, whence: int = 0) -> int:
        try:
            return file.seek(offset, whence)
        except (OSError, ValueError):  # to where a broken file refers
            return -1

    seek(0)
    # Without its name, of which the suffix may mislead FFmpeg. What a playlist refers to is not opened.
    nameless = SimpleNamespace(read=file.read, seek=seek, tell=file.tell)
    try:
        container = av.open(
            nameless, "r", container_options={"protocol_whitelist": "none"}, metadata_errors="surrogateescape"
        )
    except av.FFmpegError:
        raise Refusal(
            "FFmpeg cannot read it, so it cannot be checked", "save it as FLAC with a program that can"
        ) from None
    with container:
        yield container


def _parameters(stream: Any) -> list[object]:
    names = ("type", "time_base", "start_time", "name", "codec_tag", "sample_rate", "layout", "width", "height")
    extradata = getattr(stream.codec_context, "extradata", None) or b""
    head, comments, rest = extradata.partition(b"\x03vorbis")
    if comments:  # between the two headers that say how to decode
        extradata = head[-30:] + rest[rest.rfind(b"\x05vorbis") :]
    return [extradata, *(str(getattr(stream, name, None)) for name in names)]


def _pieces(kind: type[Any], file: BinaryIO, start: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, position and size of the parts that neither library needs to read.

    These are WAV and AIFF chunks but the ID3 tag, MP4 atoms but "moov", and in MP3 and FLAC all from `start`, where the
    audio begins.
    """
    end, name = file.seek(0, os.SEEK_END), kind.__name__
    if name in ("MP3", "FLAC"):
        yield b"", min(start, end), end
    position = {"WAVE": 12, "AIFF": 12, "MP4": 0}.get(name, end)
    while position < end:
        file.seek(position)
        head = file.read(16)
        if name == "MP4":
            piece, size = head[4:8], int.from_bytes(head[:4])
            size = {0: end, 1: int.from_bytes(head[8:])}.get(size, size)
        else:
            piece, size = head[:4], 8 + int.from_bytes(head[4:8], "little" if name == "WAVE" else "big")
        if piece == b"moof":
            # It may end in an index of positions, which mutagen leaves as it is.
            raise Refusal("it is a fragmented MP4 file", REWRITE)
        if piece not in (b"moov", b"id3 ", b"ID3 "):
            yield piece, position, size
        position += max(size, 8) + (size % 2 if name != "MP4" else 0)


def _digest(file: BinaryIO, position: int, size: int) -> bytes:
    file.seek(position)
    digest = blake2b()
    while data := file.read(min(size, 1 << 20)):
        digest.update(data)
        size -= len(data)
    return digest.digest()
