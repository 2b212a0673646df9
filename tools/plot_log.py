"""Draw what trainings have logged: losses (smoothed), learning rate and metrics, several runs in one picture."""

from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from mmoneformer.training_log.curve_plot import SHOWN, plot_runs
from mmoneformer.training_log.run_curves import read_run


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = ArgumentParser(description=__doc__, formatter_class=ArgumentDefaultsHelpFormatter)
    parser.add_argument('runs', nargs='+', type=Path, metavar='RUN', help='work folder of a training, or a json log')
    parser.add_argument('--out', type=Path, default=Path('curves.png'), help='picture to write')
    parser.add_argument('--keys', nargs='+', metavar='KEY', help=f'what to draw; None: of {", ".join(SHOWN)}')
    options = parser.parse_args(arguments)
    try:
        drawn = plot_runs([read_run(path) for path in options.runs], options.out, options.keys)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    print(f'{", ".join(drawn)}: {options.out}')


if __name__ == '__main__':
    main()
