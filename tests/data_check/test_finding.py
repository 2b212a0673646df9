from mmoneformer.data_check.finding import Finding, Severity, describe


def test_counts_all_offenders_and_names_the_first():
    offenders = [f'image {number}' for number in range(7)]
    assert describe(Severity.NOTE, '{count} images', offenders, 'look') == [
        Finding(Severity.NOTE, '7 images', tuple(offenders[:5]), 'look')
    ]


def test_nothing_without_offenders():
    assert describe(Severity.ERROR, '{count} images', [], 'look') == []


def test_errors_are_the_worst():
    assert max(Severity) is Severity.ERROR
    assert min(Severity) == 0
