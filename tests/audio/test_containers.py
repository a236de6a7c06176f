"""Files that libsndfile does not know, encoded here with PyAV."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import Result

from audiotagger.audio.decoding import read_blocks, read_waveform
from audiotagger.errors import AudioError
from tests.audio.encoding import encode
from tests.conftest import tone

av = pytest.importorskip("av", reason="needs the extra formats")

RUN = "import sys; from audiotagger.cli import app; app(sys.argv[1:])"


def pitch(waveform: NDArray[np.float32]) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(waveform))) * 16_000 / len(waveform))


def kind_of_error(path: Path) -> str:
    with pytest.raises(AudioError) as caught:
        read_waveform(path, 16_000)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return caught.value.kind


@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1"])
@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.m4a", "aac"),
        ("alac.m4a", "alac"),
        ("a.aac", "aac"),
        ("a.mp4", "aac"),
        ("a.webm", "libopus"),
        ("a.mka", "flac"),
        ("a.wma", "wmav2"),
        ("a.ac3", "ac3"),
        ("a.wv", "wavpack"),
        ("u8.mkv", "pcm_u8"),
        ("s32.mov", "pcm_s32le"),
        ("f64.mkv", "pcm_f64le"),
    ],
)
def test_every_format_gives_the_same_sound(tmp_path: Path, name: str, codec: str, layout: str) -> None:
    if codec == "wmav2" and layout == "5.1":
        layout = "stereo"  # it has no more
    rate = 48_000
    decoded = read_waveform(encode(tmp_path / name, codec, tone(1.0, rate), rate=rate, layout=layout), 16_000)
    assert decoded.dtype == np.float32
    assert abs(len(decoded) - 16_000) < 1_500  # coders pad
    expected = tone(1.0, 16_000)
    lag = int(np.argmax(np.correlate(decoded, expected[:4000], "valid")))
    overlap = decoded[lag : lag + 8_000]
    expected = expected[: len(overlap)]
    assert np.corrcoef(overlap, expected)[0, 1] > 0.9
    if layout != "5.1":  # of whose bass channel coders keep only the lowest
        assert overlap.std() == pytest.approx(expected.std(), rel=0.1)


def test_speech_of_a_telephone(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.amr", "libopencore_amrnb", tone(2.0, 8_000), rate=8_000)
    assert pitch(read_waveform(path, 16_000)) == pytest.approx(440, abs=5)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
@pytest.mark.parametrize(("default", "hertz"), [(None, 440), (0, 440), (1, 1000)])
def test_of_several_sound_tracks_the_default_one_is_read(
    tmp_path: Path, name: str, default: int | None, hertz: float
) -> None:
    tracks = tone(2.0, 44_100), tone(2.0, 44_100, hertz=1000)
    path = encode(tmp_path / name, "aac", *tracks, picture=True, default=default)
    assert pitch(read_waveform(path, 16_000)) == pytest.approx(hertz, abs=2)


def test_the_video_of_a_camera_is_found_in_a_folder(tmp_path: Path, run: Callable[..., Result]) -> None:
    (tmp_path / "AVCHD" / "STREAM").mkdir(parents=True)
    encode(tmp_path / "AVCHD" / "STREAM" / "00000.ts", "mp2", tone(2.0, 48_000), rate=48_000, picture=True).rename(
        tmp_path / "AVCHD" / "STREAM" / "00000.MTS"
    )
    result = run("tag", "--format", "jsonl", tmp_path)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["duration"] == pytest.approx(2, abs=0.1)


def test_a_decoder_that_seeks_before_the_start_is_told_so(tmp_path: Path) -> None:
    whole = encode(tmp_path / "a.wma", "wmav2", tone(2.0, 44_100)).read_bytes()
    headers = re.finditer(rb"[\x00-\xff]{16}", whole[:600])
    for number, match in enumerate(headers):  # sizes of objects that are far too large or negative
        data = bytearray(whole)
        data[match.end() : match.end() + 8] = b"\xf0" + b"\xff" * 7
        (tmp_path / f"{number}.wma").write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-m", "audiotagger", "tag", "--format", "jsonl", tmp_path],
        capture_output=True,
        check=False,
        text=True,
    )
    assert "Traceback" not in done.stderr
    results = [json.loads(line) for line in done.stdout.splitlines()]
    messages = [result[key]["message"] for result in results for key in ("error", "warning") if result[key]]
    assert sorted(done.stderr.splitlines()) == sorted(f"audiotagger: {message}" for message in messages)


def test_more_channels_than_a_frame_has_room_for(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mka", "aac", tone(2.0, 44_100), layout="7.1")
    assert pitch(read_waveform(path, 16_000)) == pytest.approx(440, abs=2)


def test_rate_and_channels_may_change_on_the_way(tmp_path: Path) -> None:
    one = encode(tmp_path / "1.aac", "aac", tone(2.0, 44_100))
    other = encode(tmp_path / "2.aac", "aac", tone(2.0, 22_050, hertz=1000), rate=22_050, layout="stereo")
    both = tmp_path / "both.aac"
    both.write_bytes(one.read_bytes() + other.read_bytes())
    decoded = read_waveform(both, 16_000)
    assert len(decoded) / 16_000 == pytest.approx(4, abs=0.3)
    assert pitch(decoded[:30_000]) == pytest.approx(440, abs=2)
    assert pitch(decoded[-30_000:]) == pytest.approx(1000, abs=2)


def test_the_content_tells_the_format_whatever_the_name_says(tmp_path: Path) -> None:
    m4a = encode(tmp_path / "a.m4a", "aac", tone(1.0, 44_100))
    expected = read_waveform(m4a, 16_000)
    for name in ("a.wav", "a.mp3", "a.txt", "a"):
        np.testing.assert_array_equal(read_waveform(m4a.rename(tmp_path / name), 16_000), expected)
        m4a = tmp_path / name


def test_open_files_and_pipes_give_what_the_file_gives(tmp_path: Path) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    path = encode(tmp_path / "a.m4a", "aac", tone(1.0, 44_100))
    expected = read_waveform(path, 16_000)
    np.testing.assert_array_equal(read_waveform(Pipe(path.read_bytes()), 16_000), expected)
    (tmp_path / "b").write_bytes(b"in front" + path.read_bytes())
    with (tmp_path / "b").open("rb") as later:
        later.seek(8)
        np.testing.assert_array_equal(read_waveform(later, 16_000), expected)


def test_a_title_in_an_old_encoding(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mka", "flac", tone(1.0, 44_100), title="TITLE")
    assert b"TITLE" in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(b"TITLE", b"\xe9\xe8\xff\xfe\xe0"))
    assert len(read_waveform(path, 16_000)) == pytest.approx(16_000, abs=200)


def test_a_video_without_sound(tmp_path: Path) -> None:
    assert kind_of_error(encode(tmp_path / "a.mp4", "aac", picture=True)) == "no_audio"


def test_what_cannot_be_decoded_is_an_error(tmp_path: Path) -> None:
    noise = np.random.default_rng(0)
    without_index = encode(tmp_path / "a.m4a", "aac", tone(4.0, 44_100))
    without_index.write_bytes(without_index.read_bytes()[:-2000])
    assert kind_of_error(without_index) == "undecodable"
    damaged = encode(tmp_path / "b.m4a", "aac", tone(4.0, 44_100))
    data = bytearray(damaged.read_bytes())
    start = data.index(b"mdat") + 4
    end = data.index(b"moov") - 4
    data[start:end] = noise.bytes(end - start)
    damaged.write_bytes(data)
    assert kind_of_error(damaged) == "undecodable"
    (tmp_path / "c.m4a").write_bytes(noise.bytes(100_000))
    assert kind_of_error(tmp_path / "c.m4a") == "undecodable"
    (tmp_path / "d.mp3").write_text("<html>404</html>\n" * 100)
    assert kind_of_error(tmp_path / "d.mp3") == "undecodable"


def test_a_playlist_opens_nothing_else(tmp_path: Path) -> None:
    song = encode(tmp_path / "a.aac", "aac", tone(1.0, 44_100))
    for name, text in (
        ("a.m3u8", f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{song}\n#EXT-X-ENDLIST\n"),
        ("a.ffconcat", "ffconcat version 1.0\nfile 'a.aac'\n"),
    ):
        (tmp_path / name).write_text(text)
        assert kind_of_error(tmp_path / name) == "undecodable"


def test_a_long_file_comes_in_blocks_and_takes_no_memory(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from audiotagger.audio.decoding import read_blocks\n"
        "print(max(map(len, read_blocks(Path(sys.argv[1]), 16_000))))\n"
        "print(next(x for x in open('/proc/self/status') if x.startswith('VmHWM')))"
    )
    if not Path("/proc/self/status").exists():
        pytest.skip("reads the peak of memory from /proc")
    peaks = []
    for minutes in (1, 20):  # 20 minutes alone would be 77 MB
        path = encode(tmp_path / f"{minutes}.mka", "pcm_s16le", np.tile(tone(60.0, 8_000), minutes), rate=8_000)
        done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, check=True, text=True)
        longest, _, peak, _ = done.stdout.split()
        assert int(longest) < 11 * 16_000
        peaks.append(int(peak) / 1024)
    assert peaks[1] < peaks[0] + 30, peaks


def test_a_block_is_ready_before_the_file_is_read(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mka", "pcm_s16le", tone(60.0, 8_000), rate=8_000)
    with path.open("rb") as file:
        blocks = read_blocks(file, 16_000)
        next(blocks)
        assert file.tell() < path.stat().st_size / 2
        blocks.close()  # type: ignore[attr-defined]


def test_a_real_pipe_into_the_command(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.m4a", "aac", tone(2.0, 44_100))
    tag = f"{sys.executable} -m audiotagger tag --format jsonl"
    named, piped = (
        subprocess.run(["bash", "-c", line], capture_output=True, check=False, timeout=60)
        for line in (f"{tag} {path}", f"cat {path} | {tag} -")
    )
    assert piped.returncode == 0, piped.stderr
    assert piped.stderr == b""
    result = json.loads(piped.stdout)
    assert result["tags"]
    assert result["duration"] == pytest.approx(2, abs=0.1)
    assert {**json.loads(named.stdout), "path": "-"} == result


def test_bad_files_are_one_line_each_and_ffmpeg_says_nothing(tmp_path: Path) -> None:
    whole = encode(tmp_path / "a.mp4", "aac", tone(2.0, 44_100), picture=True).read_bytes()
    (tmp_path / "a.mp4").write_bytes(whole[:1000] + bytes(2000) + whole[3000:])
    (tmp_path / "b.mp4").write_bytes(whole[:-500])
    encode(tmp_path / "c.mp4", "aac", picture=True)
    (tmp_path / "d.ac3").write_bytes(b"\x0b\x77" + bytes(5000))
    files = [str(tmp_path / name) for name in ("a.mp4", "b.mp4", "c.mp4", "d.ac3")]
    done = subprocess.run([sys.executable, "-m", "audiotagger", "tag", *files], capture_output=True, check=False)
    assert done.returncode == 1
    errors = done.stderr.decode().splitlines()
    assert [error.split(": ")[:2] for error in errors] == [["audiotagger", file] for file in files]


def test_without_the_extra_the_remedy_is_named(tmp_path: Path, clip: Path) -> None:
    m4a = encode(tmp_path / "a.m4a", "aac", tone(1.0, 44_100))
    (tmp_path / "text.wav").write_text("not audio")
    # Of the workers too.
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text("import sys; sys.modules['av'] = None")
    path = os.pathsep.join([str(tmp_path / "site"), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-m", "audiotagger", "tag", "--format", "jsonl", clip, m4a, tmp_path / "text.wav"],
        capture_output=True,
        check=False,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode == 1
    good, *others = map(json.loads, done.stdout.splitlines())
    assert good["error"] is None
    for other in others:
        assert other["error"]["kind"] == "needs_extra"
        assert re.search(r"pip install .*\[formats\]", other["error"]["message"])
    assert done.stderr.count("\n") == 2
