from mmoneformer.data_check.sample_record import Fault, FaultKind, SampleRecord, SplitRecord


def test_tells_usable_samples_and_annotated_ones_apart():
    annotated = SampleRecord('a.jpg', annotation='panoptic')
    alone = SampleRecord('b.jpg')
    broken = SampleRecord('c.jpg', annotation='panoptic', fault=Fault(FaultKind.FAILED, 'Resize', 'ValueError', 'no'))
    split = SplitRecord('train', {}, [annotated, alone, broken])
    assert list(split.usable()) == [annotated, alone]
    assert list(split.annotated()) == [annotated]
