"""The camera as its users see it, with pictures, folders and videos in place of a device."""

from __future__ import annotations

import gc
import itertools
import logging
import statistics
import struct
import threading
import time
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from device import camera, clock, pictures

SIZE = (64, 48)


def grey(level: int) -> NDArray[np.uint8]:
    return np.full((SIZE[1], SIZE[0], 3), level, dtype=np.uint8)


def save(path: Path, pixels: NDArray[np.uint8]) -> Path:
    assert cv2.imwrite(str(path), pixels)
    return path


def bomb() -> bytes:
    """A PNG of 45 bytes whose header claims 100,000 x 100,000 pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


@pytest.mark.parametrize("source", ["", "webcam", "device:", "device:front", "device:-1", "http://example.org/a.jpg", "file:"])
def test_a_source_that_names_no_camera_is_refused_with_the_forms_that_do(source: str) -> None:
    with pytest.raises(camera.BadSource, match="device:0"):
        camera.open_source(source, clock.SystemClock())


@pytest.mark.parametrize("kind", ["folder", "stage", "video"])
def test_a_folder_or_video_that_does_not_exist_is_an_error_at_once(kind: str, tmp_path: Path) -> None:
    with pytest.raises(camera.BadSource, match="missing"):
        camera.open_source(f"{kind}:{tmp_path / 'missing'}", clock.SystemClock())


def test_one_picture_is_shown_again_and_again_and_says_that_it_is_simulated(tmp_path: Path) -> None:
    path = save(tmp_path / "face.png", grey(120))
    source = camera.open_source(f"file:{path}", clock.SystemClock(), size=SIZE, frames_per_second=100)
    with source:
        frames = list(itertools.islice(source.frames(), 3))
        assert source.status().state is camera.State.STREAMING
    assert source.simulated
    assert all(frame.pixels.shape == (48, 64, 3) and (frame.pixels == 120).all() for frame in frames)
    assert frames[0].moment.monotonic_us < frames[1].moment.monotonic_us < frames[2].moment.monotonic_us


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("words.jpg", b"no picture at all", "neither a JPEG nor a PNG"),
        ("bomb.png", bomb(), "its header claims 100000 x 100000 pixels"),
        ("empty.jpg", b"", "neither a JPEG nor a PNG"),
        ("start.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "cut short"),
        ("broken.png", bomb()[:20], "cut short"),
    ],
)
def test_a_file_that_is_no_picture_is_named_with_the_reason(name: str, content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(camera.PictureUnreadable, match=reason) as refused:
        camera.open_source(f"file:{tmp_path / name}", clock.SystemClock())
    assert name in str(refused.value)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_picture_that_was_cut_short_is_refused_and_not_shown_half_grey(suffix: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (200, 200, 3), dtype=np.uint8)
    whole = save(tmp_path / f"whole{suffix}", noise).read_bytes()
    (tmp_path / f"half{suffix}").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(camera.PictureUnreadable, match=r"half.*cut short"):
        camera.open_source(f"file:{tmp_path / f'half{suffix}'}", clock.SystemClock())


def test_the_size_is_read_from_the_header_of_jpeg_and_png_alike() -> None:
    picture = np.zeros((30, 50, 3), dtype=np.uint8)
    for suffix in (".jpg", ".png"):
        assert pictures.size_in_header(cv2.imencode(suffix, picture)[1].tobytes()) == (50, 30)


def test_a_folder_is_shown_in_the_order_of_its_names_once_and_then_the_camera_ends(tmp_path: Path) -> None:
    for name, level in (("c.png", 200), ("a.png", 50), ("b.png", 100)):
        save(tmp_path / name, grey(level))
    (tmp_path / "notes.txt").write_text("not a picture", encoding="utf-8")
    source = camera.open_source(f"folder:{tmp_path}", clock.SystemClock(), size=SIZE, frames_per_second=20)
    time.sleep(0.2)  # models take time to load: nothing is lost before somebody looks
    assert [int(frame.pixels[0, 0, 0]) for frame in source.frames()] == [50, 100, 200]
    assert source.status().state is camera.State.ENDED
    assert list(source.frames()) == []


def test_an_unreadable_picture_in_a_folder_is_skipped_and_counted_and_its_name_stays_out_of_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save(tmp_path / "1-li.png", grey(50))
    (tmp_path / "2-wang.png").write_bytes(b"broken")
    save(tmp_path / "3-zhao.png", grey(150))
    source = camera.open_source(f"folder:{tmp_path}", clock.SystemClock(), size=SIZE, frames_per_second=20)
    with caplog.at_level(logging.DEBUG):
        assert [int(frame.pixels[0, 0, 0]) for frame in source.frames()] == [50, 150]
    assert source.status().skipped == 1
    assert "1 could not be read" in source.status().sentence
    assert "picture 2 of 3" in caplog.text
    assert "wang" not in caplog.text


def test_a_picture_of_another_shape_is_fitted_without_being_stretched(tmp_path: Path) -> None:
    save(tmp_path / "tall.png", np.full((200, 100, 3), 90, dtype=np.uint8))
    source = camera.open_source(f"folder:{tmp_path}", clock.SystemClock(), size=SIZE)
    pixels = next(iter(source.frames())).pixels
    source.close()
    assert pixels.shape == (48, 64, 3)
    assert int((pixels[24, :, 0] == 90).sum()) == 24  # 48 rows high, so 24 columns wide


def test_a_slow_reader_skips_frames_and_never_sees_an_old_one(tmp_path: Path) -> None:
    for index in range(60):
        save(tmp_path / f"{index:03}.png", grey(60 + index))
    system = clock.SystemClock()
    seen, ages_us = [], []
    with camera.open_source(f"folder:{tmp_path}", system, size=SIZE, frames_per_second=50) as source:
        for frame in source.frames():
            ages_us.append(system.now().monotonic_us - frame.moment.monotonic_us)
            seen.append(int(frame.pixels[0, 0, 0]))
            time.sleep(0.2)
    assert 1 < len(seen) < 60  # 60 frames in 1.2 s, one look every 0.2 s
    assert seen == sorted(set(seen))
    assert statistics.median(ages_us) < 1_000_000  # one after the other they would take 12 s, and be 5 s old


def test_nothing_piles_up_while_nobody_looks(tmp_path: Path) -> None:
    path = save(tmp_path / "face.png", grey(120))
    with camera.open_source(f"file:{path}", clock.SystemClock(), size=SIZE, frames_per_second=200) as source:
        first = next(frames := source.frames())
        time.sleep(0.5)
        assert sum(isinstance(thing, camera.Frame) for thing in gc.get_objects()) <= 3
        assert next(frames).moment.monotonic_us - first.moment.monotonic_us > 400_000


def test_two_readers_do_not_take_frames_from_each_other(tmp_path: Path) -> None:
    for index in range(5):
        save(tmp_path / f"{index}.png", grey(60 + index))
    source = camera.open_source(f"folder:{tmp_path}", clock.SystemClock(), size=SIZE, frames_per_second=10)
    display: list[int] = []
    frames = source.frames()
    other = threading.Thread(target=lambda: display.extend(int(one.pixels[0, 0, 0]) for one in frames))
    other.start()
    recogniser = [int(one.pixels[0, 0, 0]) for one in source.frames()]
    other.join(5)
    assert display == recogniser == [60, 61, 62, 63, 64]


def test_a_video_plays_in_its_own_time_whatever_the_rate_of_the_camera(tmp_path: Path) -> None:
    path = tmp_path / "approach.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 30, SIZE)
    for index in range(30):
        writer.write(grey(60 + 5 * index))
    writer.release()
    source = camera.open_source(f"video:{path}", clock.SystemClock(), size=SIZE, frames_per_second=10)
    started = time.monotonic()
    shown = [round((float(frame.pixels.mean()) - 60) / 5) for frame in source.frames()]
    assert shown == sorted(set(shown))
    assert shown[0] == 0
    assert set(shown) <= set(range(0, 30, 3)), "every third; a busy machine misses some, and none is made up for later"
    assert len(shown) >= 5
    assert 0.8 < time.monotonic() - started < 5
    assert source.status().state is camera.State.ENDED


def test_a_file_that_is_no_video_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"no film")
    with pytest.raises(camera.PictureUnreadable, match=r"film\.mp4"):
        camera.open_source(f"video:{tmp_path / 'film.mp4'}", clock.SystemClock())


def test_closing_from_another_thread_ends_the_loop_at_once(tmp_path: Path) -> None:
    path = save(tmp_path / "face.png", grey(120))
    source = camera.open_source(f"file:{path}", clock.SystemClock(), size=SIZE, frames_per_second=0.1)
    frames = source.frames()
    next(frames)
    closed_at: list[float] = []

    def close() -> None:
        closed_at.append(time.monotonic())
        source.close()

    closer = threading.Timer(0.2, close)
    closer.start()
    rest: list[camera.Frame] = []
    reader = threading.Thread(target=lambda: rest.extend(frames), daemon=True)
    reader.start()
    reader.join(9)  # the next frame would come in ten seconds
    assert not reader.is_alive()
    assert rest == []
    assert time.monotonic() - closed_at[0] < 5
    closer.join(5)
    assert source.status().state is camera.State.ENDED
    assert list(source.frames()) == []


def test_black_pictures_are_reported_and_still_shown(tmp_path: Path) -> None:
    path = save(tmp_path / "cover.png", grey(2))
    with camera.open_source(f"file:{path}", clock.SystemClock(), size=SIZE, frames_per_second=20) as source:
        frames, deadline = source.frames(), time.monotonic() + 20
        next(frames)
        assert source.status().state is camera.State.STREAMING  # cameras start dark
        while source.status().state is not camera.State.BLACK and time.monotonic() < deadline:
            next(frames)
        assert source.status().state is camera.State.BLACK
        assert "cover" in source.status().sentence
        assert next(frames).pixels.max() == 2


def test_a_dark_room_with_a_lit_screen_is_not_black(tmp_path: Path) -> None:
    dark = grey(1)
    dark[:16, :16] = 30  # the mean stays below what counts as black
    path = save(tmp_path / "night.png", dark)
    with camera.open_source(f"file:{path}", clock.SystemClock(), size=SIZE, frames_per_second=20) as source:
        deadline = time.monotonic() + 2.5
        for _ in source.frames():
            assert source.status().state is camera.State.STREAMING
            if time.monotonic() > deadline:
                break


def test_a_frame_shows_no_pixel_when_it_is_printed_and_cannot_be_painted_on(tmp_path: Path) -> None:
    path = save(tmp_path / "face.png", grey(123))
    with camera.open_source(f"file:{path}", clock.SystemClock(), size=SIZE) as source:
        frame = next(source.frames())
    assert repr(frame).startswith("Frame(moment=")
    with pytest.raises(ValueError, match="read-only"):
        frame.pixels[0, 0] = 0


def test_a_camera_that_is_asked_for_fewer_frames_shows_fewer_and_as_many_again_when_asked(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "one.png"), np.full((48, 64, 3), 90, np.uint8))
    source = camera.open_source(f"file:{tmp_path / 'one.png'}", clock.SystemClock(), size=(64, 48), frames_per_second=50)
    counts = []
    with source:
        frames = source.frames()
        for pace in (None, 5.0, None):
            source.pace(pace)
            next(frames)
            ends = time.monotonic() + 1.0
            count = 0
            while time.monotonic() < ends:
                next(frames)
                count += 1
            counts.append(count)
    assert counts[0] > 3 * counts[1]
    assert counts[2] > 3 * counts[1]
    assert 2 <= counts[1] <= 7
