from contextlib import suppress

import cv2
import numpy as np
import pytest

from mmoneformer.video_files import Video, VideoFile

FRAMES = [np.full((48, 64, 3), 40 * number, np.uint8) for number in range(5)]


@pytest.fixture
def video_file(tmp_path):
    with VideoFile(tmp_path / 'in.mp4', rate=12.5) as file:
        for frame in FRAMES:
            file.write(frame)
    return tmp_path / 'in.mp4'


def read(path):
    return list(Video(path).frames())


def test_a_video_is_read_as_it_was_written(video_file, caplog):
    video = Video(video_file)
    assert video.rate == 12.5
    assert (video.length(), video.length(limit=3)) == (5, 3)
    frames = list(video.frames())
    assert len(frames) == 5
    for frame, expected in zip(frames, FRAMES, strict=True):
        np.testing.assert_allclose(frame, expected, atol=6)
    assert len(list(Video(video_file).frames(3))) == 3
    assert caplog.text == ''


def test_colors_are_not_swapped(tmp_path):
    red = np.zeros((48, 64, 3), np.uint8)
    red[..., 0] = 200
    with VideoFile(tmp_path / 'red.mp4', rate=10) as file:
        file.write(red)
    (frame,) = read(tmp_path / 'red.mp4')
    np.testing.assert_allclose(frame.mean((0, 1)), [0, 0, 200], atol=12)


def test_names_of_any_language(tmp_path):
    path = tmp_path / 'straße' / '映画 ñ.mp4'
    with VideoFile(path, rate=10) as file:
        file.write(FRAMES[1])
    assert len(read(path)) == 1


def test_a_file_that_ends_early(tmp_path, caplog):
    """Motion JPEG in .avi states the number of frames at the beginning, so that a cut file can be read."""
    whole = tmp_path / 'whole.avi'
    writer = cv2.VideoWriter(str(whole), cv2.VideoWriter.fourcc(*'MJPG'), 10, (64, 48))
    noise = np.random.default_rng(0).integers(0, 256, (20, 48, 64, 3), np.uint8)
    for frame in noise:
        writer.write(frame)
    writer.release()
    cut = tmp_path / 'cut.avi'
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    count = len(read(cut))
    assert 5 < count < 15
    assert caplog.messages == [f'{cut} ends after {count} of 20 frames: the file is damaged or incomplete']


def test_frames_of_another_size_end_the_file(tmp_path):
    message = r'frame 2 for .*out\.mp4 has the shape \(24, 64, 3\), the frames before \(48, 64, 3\): a video has one'
    with VideoFile(tmp_path / 'out.mp4', rate=10) as file:
        for frame in FRAMES[:2]:
            file.write(frame)
        with pytest.raises(ValueError, match=message):
            file.write(FRAMES[2][:24])
    assert len(read(tmp_path / 'out.mp4')) == 2


def test_an_interruption_keeps_what_there_is(tmp_path):
    with suppress(KeyboardInterrupt), VideoFile(tmp_path / 'out.mp4', rate=10) as file:
        file.write(FRAMES[1])
        raise KeyboardInterrupt
    assert len(read(tmp_path / 'out.mp4')) == 1


@pytest.mark.parametrize(
    ('source', 'message'), [('gone.mp4', 'video gone.mp4 cannot be'), (97, 'camera 97 cannot be')]
)
def test_a_source_that_cannot_be_opened(source, message):
    with pytest.raises(ValueError, match=message):
        Video(source)


def test_a_file_that_is_no_video(tmp_path):
    (tmp_path / 'x.mp4').write_text('no video')
    with pytest.raises(ValueError, match=r'x\.mp4 cannot be opened'):
        Video(tmp_path / 'x.mp4')


@pytest.mark.parametrize('name', ['out.txt', 'out.png', 'out.avi', 'out'])
def test_videos_are_mp4(tmp_path, name):
    with pytest.raises(OSError, match=rf'cannot write the video .*{name}: its name must end with \.mp4'):
        VideoFile(tmp_path / name, 10)
    assert not (tmp_path / name).exists()


def test_a_video_that_is_not_written_completely(tmp_path):
    """OpenCV says nothing if the disk is full."""
    file = VideoFile(tmp_path / 'out.mp4', 10)
    file.write(FRAMES[1])
    file._writer.release()
    file._part.write_bytes(b'')
    with pytest.raises(OSError, match=r'cannot write the video .*out\.mp4: .* is incomplete; is the disk full'):
        file.__exit__()
    assert not (tmp_path / 'out.mp4').exists()
