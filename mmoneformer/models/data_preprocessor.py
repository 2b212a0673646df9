"""Makes batches of images, and notes what of them is padding."""

from typing import Any

from mmengine.model import ImgDataPreprocessor

from mmoneformer.registry import MODELS


@MODELS.register_module()
class OneFormerDataPreprocessor(ImgDataPreprocessor):
    """Normalizes images and pads them to a batch; the arguments are those of mmengine's class.

    To the data samples it adds ``batch_input_shape``, the size of the batch, and ``pad_shape``, the size that an image
    would be padded to alone; both (height, width). So does mmdet's ``DetDataPreprocessor``, which augments batches,
    too, and takes the import of all models of mmdet.
    """

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Make a batch.

        Args:
            data: ``inputs``, images [3, H, W] of one or several sizes, or a batch [B, 3, H, W] of them; and
                ``data_samples``, one per image, or None.
            training: Has no effect: augmentation is up to the pipeline of the data set.

        Returns:
            ``inputs``, float32 [B, 3, H, W], on the device of the model, and ``data_samples``.

        Raises:
            ValueError: If there are not as many data samples as images.
            TypeError: If ``inputs`` are neither a list of tensors nor a tensor.
        """
        sizes = [tuple(image.shape[-2:]) for image in data['inputs']]
        batch = super().forward(data, training)
        samples = batch['data_samples']
        for sample, size in [] if samples is None else zip(samples, sizes, strict=True):
            padded = tuple(-(-side // self.pad_size_divisor) * self.pad_size_divisor for side in size)
            sample.set_metainfo(dict(batch_input_shape=tuple(batch['inputs'].shape[-2:]), pad_shape=padded))
        return batch
