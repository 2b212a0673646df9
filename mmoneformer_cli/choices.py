"""Values and help texts of arguments; tests compare the values with those of the package, which would import torch."""

TASKS = ('panoptic', 'instance', 'semantic')  # mmoneformer.tasks
PRECISIONS = ('float32', 'bfloat16', 'float16')  # mmoneformer.apis.device
SPLITS = ('train', 'val')  # mmoneformer.apis.check_dataset

DEVICE_HELP = 'device, for example cuda:0; default: auto (CUDA, XPU, MPS or NPU where available, else CPU)'
