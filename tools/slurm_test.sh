#!/usr/bin/env bash
# Evaluate on a Slurm cluster: bash tools/slurm_test.sh PARTITION JOB_NAME CONFIG CKPT [arguments of tools/test.py]
# GPUS (8) over all machines, GPUS_PER_NODE (8, or all), CPUS_PER_TASK (5) for each GPU; SRUN_ARGS are passed on.
set -euo pipefail
usage='usage: slurm_test.sh PARTITION JOB_NAME CONFIG CKPT [args]'
partition=${1:?$usage}
job_name=${2:?$usage}
config=${3:?$usage}
checkpoint=${4:?$usage}
gpus=${GPUS:-8}
gpus_per_node=${GPUS_PER_NODE:-$((gpus < 8 ? gpus : 8))}
read -ra srun_args <<< "${SRUN_ARGS:-}"

srun --partition="$partition" --job-name="$job_name" --ntasks="$gpus" --ntasks-per-node="$gpus_per_node" \
    --gres="gpu:$gpus_per_node" --cpus-per-task="${CPUS_PER_TASK:-5}" --kill-on-bad-exit=1 "${srun_args[@]}" \
    "${PYTHON:-python}" -u "$(dirname "$0")/test.py" "$config" "$checkpoint" --launcher slurm "${@:5}"
