"""Backbones of the paper that mmdet does not have; each works in any mmdet or mmseg config."""
