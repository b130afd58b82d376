#!/bin/bash
# sbatch deploy/slurm.sh configs/run.yaml
#SBATCH --job-name=vau-rft
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --time=24:00:00
#SBATCH --signal=USR1@300      # to every process, five minutes before the time is up: the step is finished and saved
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail
config=${1:?usage: sbatch deploy/slurm.sh CONFIG}
# One process a task; where a node has several GPUs: --ntasks-per-node and --gpus-per-task=1.
exec srun --kill-on-bad-exit=1 npx vau-rft train "$config" --hosts slurm --join-timeout 900 --resume
