import json

import cv2
import numpy as np
import pytest

from mmoneformer.apis import OneFormerInferencer
from mmoneformer.apis.video import predict_video
from mmoneformer.video_files import Video, VideoFile

FRAMES = [np.full((48, 64, 3), 40 * number, np.uint8) for number in range(5)]


@pytest.fixture
def video_file(tmp_path):
    with VideoFile(tmp_path / 'in.mp4', rate=12.5) as file:
        for frame in FRAMES:
            file.write(frame)
    return tmp_path / 'in.mp4'


@pytest.fixture
def inferencer(checkpoint_file):
    return OneFormerInferencer(weights=checkpoint_file, show_progress=False, device='cpu')


def read(path):
    return list(Video(path).frames())


@pytest.mark.parametrize('batch_size', [1, 3])
def test_predicts_each_frame(inferencer, video_file, tmp_path, batch_size):
    out = tmp_path / 'new' / 'out.mp4'
    assert predict_video(inferencer, video_file, out, batch_size=batch_size) == 5
    assert Video(out).rate == 12.5
    drawings = read(out)
    assert [drawing.shape for drawing in drawings] == [(480, 640, 3)] * 5
    assert [path.name for path in out.parent.iterdir()] == ['out.mp4']


def test_several_tasks_are_drawn_side_by_side(inferencer, video_file, tmp_path):
    out = tmp_path / 'out.mp4'
    assert predict_video(inferencer, video_file, out, tasks=['panoptic', 'semantic'], max_frames=2) == 2
    height, width = read(out)[0].shape[:2]
    assert width > 2.5 * height


def test_a_window_until_a_key(inferencer, video_file, tmp_path, monkeypatch):
    shown, keys = [], iter([-1, ord('q')])
    monkeypatch.setattr(cv2, 'imshow', lambda name, image: shown.append(image.shape))
    monkeypatch.setattr(cv2, 'waitKey', lambda milliseconds: next(keys))
    assert predict_video(inferencer, video_file, tmp_path / 'out.mp4', show=True) == 2
    assert shown == [(480, 640, 3)] * 2


@pytest.mark.parametrize(
    ('source', 'message'), [('gone.mp4', 'video gone.mp4 cannot be'), (97, 'camera 97 cannot be')]
)
def test_a_source_that_cannot_be_opened(inferencer, tmp_path, source, message):
    with pytest.raises(ValueError, match=message):
        predict_video(inferencer, source, tmp_path / 'out.mp4')


def test_a_file_that_is_no_video(inferencer, tmp_path):
    (tmp_path / 'x.mp4').write_text('no video')
    with pytest.raises(ValueError, match=r'x\.mp4 cannot be opened'):
        predict_video(inferencer, tmp_path / 'x.mp4', tmp_path / 'out.mp4')


@pytest.mark.parametrize('name', ['out.txt', 'out.png', 'out.avi', 'out'])
def test_videos_are_mp4(inferencer, video_file, tmp_path, name):
    with pytest.raises(OSError, match=rf'cannot write the video .*{name}: its name must end with \.mp4'):
        predict_video(inferencer, video_file, tmp_path / name)
    assert not (tmp_path / name).exists()


def test_the_video_to_read_is_kept(inferencer, video_file):
    content = video_file.read_bytes()
    with pytest.raises(FileExistsError, match=r'in\.mp4 is the video to read'):
        predict_video(inferencer, str(video_file), video_file.parent / '..' / video_file.parent.name / 'in.mp4')
    assert video_file.read_bytes() == content


def test_objects_keep_their_ids(inferencer, video_file, tmp_path):
    """All frames are alike, so each object is found in all of them; the files agree."""
    files = {'json': tmp_path / 'out.json', 'coco': tmp_path / 'coco.json', 'mots': tmp_path / 'out.txt'}
    predict_video(inferencer, video_file, tmp_path / 'out.mp4', tasks=['instance'], object_files=files)
    frames = json.loads(files['json'].read_text())['frames']
    assert [frame['index'] for frame in frames] == list(range(5))
    for frame in frames:
        for segment in frame['segments']:
            assert set(segment) == {'id', 'label', 'class_name', 'score', 'bbox', 'area'}
    ids = [[segment['id'] for segment in frame['segments']] for frame in frames]
    lines = files['mots'].read_text().splitlines()
    assert {int(line.split()[1]) for line in lines} <= {number for frame in ids for number in frame}
    annotations = json.loads(files['coco'].read_text())['annotations']
    for number, annotation in ((annotation['id'], annotation) for annotation in annotations):
        assert [area is not None for area in annotation['areas']] == [number in frame for frame in ids]


def test_a_drawing_in_which_objects_keep_their_colors(inferencer, tmp_path, monkeypatch):
    """An image and its mirror image, in which things may change their order."""
    frame = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    with VideoFile(tmp_path / 'in.mp4', rate=10) as file:
        for _ in range(2):
            file.write(frame)
    predict_video(inferencer, tmp_path / 'in.mp4', tmp_path / 'out.mp4', track=True)
    first, second = read(tmp_path / 'out.mp4')
    assert np.abs(first.astype(int) - second).mean() < 3


def test_a_film_whose_size_changes(inferencer, tmp_path, monkeypatch):
    """What was done stays. OpenCV reads images as a film; its FFmpeg would scale frames to the size of the first."""
    capture = cv2.VideoCapture
    monkeypatch.setattr(
        cv2, 'VideoCapture', lambda path: capture(path, cv2.CAP_IMAGES) if '%' in path else capture(path)
    )
    folder = tmp_path / 'ünï'
    folder.mkdir()
    for number, frame in enumerate([FRAMES[1], FRAMES[2], np.full((64, 60, 3), 9, np.uint8)]):
        cv2.imwrite(str(folder / f'{number}.png'), frame)
    out, objects = folder / 'out.mp4', folder / 'out.json'
    with pytest.raises(ValueError, match=r'frame 2 for .*out\.mp4 has the shape .*: a video has one size'):
        predict_video(inferencer, folder / '%d.png', out, object_files={'json': objects})
    assert len(read(out)) == 2
    assert len(json.loads(objects.read_text())['frames']) == 2


@pytest.mark.parametrize(
    ('files', 'error', 'message'),
    [
        ({'json': 'in.mp4'}, FileExistsError, r'in\.mp4 is the video to read'),
        ({'json': 'a', 'coco': 'a'}, FileExistsError, 'is given for several files to write'),
        ({'xml': 'a'}, ValueError, r"unknown files of objects \['xml'\]: choose from \['json', 'coco', 'mots'\]"),
    ],
)
def test_files_that_cannot_be(inferencer, video_file, files, error, message):
    folder = video_file.parent
    with pytest.raises(error, match=message):
        predict_video(
            inferencer, video_file, folder / 'o.mp4', object_files={k: folder / name for k, name in files.items()}
        )
