#!/usr/bin/env bash
# Train on several GPUs: bash tools/dist_train.sh CONFIG GPUS [arguments of tools/train.py]
# Several machines: NNODES, NODE_RANK, MASTER_ADDR and PORT, as torchrun takes them.
set -euo pipefail
config=${1:?usage: dist_train.sh CONFIG GPUS [args]}
gpus=${2:?usage: dist_train.sh CONFIG GPUS [args]}

"${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" --nproc_per_node="$gpus" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="${PORT:-29500}" \
    "$(dirname "$0")/train.py" "$config" --launcher pytorch "${@:3}"
