"""Drawing of results with OpenCV, without torch and OpenMMLab, so that it can run in light processes.

It is a package of its own because importing mmoneformer imports torch.
"""

from mmoneformer_drawing.sheet import draw_sheet

__all__ = ['draw_sheet']
