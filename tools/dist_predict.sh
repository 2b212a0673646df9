#!/usr/bin/env bash
# Predict images on several GPUs: bash tools/dist_predict.sh GPUS INPUTS... --weights CKPT [arguments of predict]
# Several machines that share the folders: NNODES, NODE_RANK, MASTER_ADDR and PORT, as torchrun takes them.
set -euo pipefail
gpus=${1:?usage: dist_predict.sh GPUS INPUTS... --weights CKPT [args]}
: "${2:?usage: dist_predict.sh GPUS INPUTS... --weights CKPT [args]}"

"${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" --nproc_per_node="$gpus" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="${PORT:-29500}" \
    "$(dirname "$0")/image_demo.py" --launcher pytorch "${@:2}"
