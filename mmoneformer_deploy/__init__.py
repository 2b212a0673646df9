"""Prediction with exported models, without torch and OpenMMLab, and the files of results.

It is a package of its own, below all others, because importing mmoneformer imports torch.
"""

from mmoneformer_deploy.session import Session

__all__ = ['Session']
