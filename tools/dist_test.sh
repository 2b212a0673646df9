#!/usr/bin/env bash
# Evaluate on several GPUs: bash tools/dist_test.sh CONFIG CKPT GPUS [arguments of tools/test.py]
# Several machines: NNODES, NODE_RANK, MASTER_ADDR and PORT, as torchrun takes them.
set -euo pipefail
config=${1:?usage: dist_test.sh CONFIG CKPT GPUS [args]}
checkpoint=${2:?usage: dist_test.sh CONFIG CKPT GPUS [args]}
gpus=${3:?usage: dist_test.sh CONFIG CKPT GPUS [args]}

"${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" --nproc_per_node="$gpus" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="${PORT:-29500}" \
    "$(dirname "$0")/test.py" "$config" "$checkpoint" --launcher pytorch "${@:4}"
