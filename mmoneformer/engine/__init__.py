"""What mmengine's Runner is extended with."""
