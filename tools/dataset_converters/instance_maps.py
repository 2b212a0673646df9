"""Make COCO instance jsons of instance maps: a class of countable objects, such as cells.

    python tools/dataset_converters/instance_maps.py data/nuclei/images data/nuclei/instances data/nuclei \\
        --class-name nucleus --held-out 10

reads, for images/a.jpg, the map instances/a.png, of whole numbers with 8 or 16 bits: n is the nth object and 0 is
background; or the folder instances/a/ with one mask for each object, which may overlap. It writes
annotations/instances_train.json and, with --held-out, annotations/instances_val.json.
"""

from mmoneformer.datasets.converters.instance_maps import main

if __name__ == '__main__':
    main(__doc__ or '')
