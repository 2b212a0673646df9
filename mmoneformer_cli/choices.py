"""Names that arguments take. They are said again here because what owns them imports torch; a test compares."""

TASKS = ('panoptic', 'instance', 'semantic')  # mmoneformer.tasks
PRECISIONS = ('float32', 'bfloat16', 'float16')  # mmoneformer.apis.precision
SPLITS = ('train', 'val')  # mmoneformer.apis.check_dataset
