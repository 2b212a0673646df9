from mmoneformer.data_check.sample_record import Fault, SampleRecord, SplitRecord


def test_tells_usable_samples_and_annotated_ones_apart():
    annotated = SampleRecord('a.jpg', annotation='panoptic')
    alone = SampleRecord('b.jpg')
    broken = SampleRecord('c.jpg', annotation='panoptic', fault=Fault('Resize', 'ValueError', 'no'))
    split = SplitRecord('train', {}, [annotated, alone, broken])
    assert list(split.sound()) == [annotated, alone]
    assert list(split.annotated()) == [annotated]
