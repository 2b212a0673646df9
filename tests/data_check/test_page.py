import base64
import re
from collections import Counter

import cv2
import numpy as np

from mmoneformer.data_check.drawn_sample import DrawnSample
from mmoneformer.data_check.finding import Finding, Severity
from mmoneformer.data_check.page import make_page
from mmoneformer.data_check.sample_record import SampleRecord, SegmentRecord, SplitRecord
from mmoneformer.metainfo import resolve_metainfo

SPLIT = SplitRecord(
    'train',
    resolve_metainfo(dict(classes=('sky', 'cat & dog'), thing_ids=(1,))),
    [SampleRecord('a.jpg', segments=(SegmentRecord(0, 0, 75), SegmentRecord(1, 0, 25)))],
)


def test_finding_is_escaped():
    finding = Finding(Severity.WARNING, 'too <few>', ('<a>.jpg',), 'do & see')
    page = make_page('t', {'train': [finding]}, {}, {})
    assert 'class="finding warning"' in page
    assert 'too &lt;few&gt;' in page
    assert '<code>&lt;a&gt;.jpg</code>' in page
    assert 'do &amp; see' in page


def test_no_problems():
    assert 'No problems found.' in make_page('t', {'train': []}, {}, {})


def test_row_of_a_class():
    page = make_page('t', {}, {'train': SPLIT}, {})
    row = next(row for row in page.split('<tr>') if 'cat &amp; dog (thing)' in row)
    assert re.findall('<td>([^<]+)</td>', row) == ['1', '1', '25.00%']


def test_drawn_samples_are_part_of_the_page():
    sheet = np.full((20, 30, 3), (200, 100, 50), np.uint8)
    sample = DrawnSample('b.jpg', sheet, {'semantic': Counter({'a photo with a cat': 2})})
    page = make_page('t', {}, {}, {'train': [sample]})
    code = re.search('base64,([^"]+)"', page)[1]
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(code), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_allclose(decoded[..., ::-1], sheet, atol=6)
    assert '2 x a photo with a cat<br>the other queries: a semantic photo' in page
    assert 'b.jpg' in page
