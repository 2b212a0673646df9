"""A task of one's own: things alone, like the instance task, with a token, texts and results of its own."""

from typing import Any

from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from torch import Tensor

from mmoneformer.evaluation import ThingInstanceAP
from mmoneformer.evaluation.coco_annotations import encode_masks
from mmoneformer.metainfo import Metainfo
from mmoneformer.models.post_process import find_instances
from mmoneformer.models.task_results import POST_PROCESS, ImageLogits, InferenceConfig
from mmoneformer.registry import METRICS
from mmoneformer.results.as_dict import AS_DICT, SampleResult
from mmoneformer.results.folder import TASK_FILES
from mmoneformer.tasks import TASKS, Task
from mmoneformer.visualization.regions import RESULT_REGIONS
from mmoneformer_deploy.task_files import TaskFiles
from mmoneformer_drawing.regions import instance_regions

TASKS['part'] = Task('part', filler='a part photo', things_only=True)


def add_parts(sample: DetDataSample, logits: ImageLogits, is_thing: Tensor, config: InferenceConfig) -> None:
    """Add ``pred_parts``: masks, labels, scores and boxes of the parts."""
    parts = find_instances(*logits, is_thing=is_thing, max_per_image=config.max_per_image)
    sample.pred_parts = InstanceData(**parts._asdict())


def parts_as_dict(sample: DetDataSample, metainfo: Metainfo) -> dict[str, Any]:
    """Convert the parts to lists, sorted by score."""
    parts = sample.pred_parts
    return {
        'labels': parts.labels.tolist(),
        'class_names': [metainfo['classes'][label] for label in parts.labels],
        'scores': parts.scores.tolist(),
        'masks': [mask | {'counts': mask['counts'].decode()} for mask in encode_masks(parts.masks)],
    }


def part_content(parts: dict[str, Any]) -> dict[str, Any]:
    """What is written to the json."""
    return parts


POST_PROCESS['part'] = add_parts
AS_DICT['part'] = SampleResult('pred_parts', parts_as_dict)
TASK_FILES['part'] = TaskFiles(key='parts', content=part_content)
RESULT_REGIONS['part'] = instance_regions


@METRICS.register_module()
class PartAP(ThingInstanceAP):
    """AP of the parts; the metrics are called ``part/AP`` and so on."""

    default_prefix = 'part'
    task = 'part'

    def process_image(self, sample: dict[str, Any]) -> None:
        """Add the parts of an image."""
        super().process_image(sample | {'pred_instances': sample['pred_parts']})
