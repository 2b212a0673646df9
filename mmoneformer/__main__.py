"""``python -m mmoneformer`` is the console command."""

import sys

from mmoneformer_cli.main import main

if __name__ == '__main__':
    sys.exit(main())
