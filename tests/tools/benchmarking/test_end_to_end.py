import torch
from benchmarking.end_to_end import drawn_output

from mmoneformer.models.masked_decoder import QueryPredictions


def test_copies_of_an_output_have_the_drawn_logits():
    """CUDA graphs copy what the network returns."""
    drawn = torch.rand(1, 5, 4), torch.rand(1, 5, 8, 12)
    predictions = [QueryPredictions(torch.zeros(2, 3, 5, 4), torch.zeros(2, 3, 5, 6))]
    output = drawn_output(drawn)(torch.zeros(2, 3, 5, 6), predictions, torch.zeros(2, 6, 8, 12))
    classes, masks = type(output)(*output).of_task(1)
    assert torch.equal(classes, drawn[0].expand(2, 5, 4))
    assert torch.equal(masks, drawn[1].expand(2, 5, 8, 12))
