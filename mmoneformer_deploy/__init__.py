"""What works without torch and OpenMMLab: files of results, and prediction with exported models.

It is a package of its own, below all others, because importing mmoneformer imports torch.
"""
