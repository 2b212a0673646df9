"""Texts: tokens, their encoder and the text mapper."""
