# docker build -f deploy/cuda.Dockerfile -t vau-rft:cuda .     (from the project's folder; the image has TensorFlow for CUDA and its libraries)
# docker run --rm --gpus all -v "$PWD/runs:/srv/vau-rft/runs" vau-rft:cuda doctor
FROM node:20-bookworm-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY package.json package-lock.json ./
COPY scripts ./scripts
COPY src ./src
COPY native ./native
COPY configs ./configs
COPY data ./data
COPY tsconfig.json tsconfig.build.json README.md CHANGELOG.md LICENSE ./
ENV VAU_RFT_CACHE=/opt/vau-rft/cache
# TensorFlow, ffmpeg and the kernels are fetched and built here, once: containers start without a network.
RUN npm ci && npm run build && node dist/cli/main.js setup --cuda && npm prune --omit=dev && npm cache clean --force

FROM node:20-bookworm-slim
COPY --from=build /app /app
COPY --from=build --chown=node:node /opt/vau-rft /opt/vau-rft
ENV VAU_RFT_CACHE=/opt/vau-rft/cache
RUN mkdir /srv/vau-rft && chown node:node /srv/vau-rft
WORKDIR /srv/vau-rft
USER 1000
# The driver's libraries come from the host, by the NVIDIA container toolkit.
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
STOPSIGNAL SIGTERM
# The program is the main process: it hears what `docker stop` or the kubelet sends, and saves.
ENTRYPOINT ["node", "/app/dist/cli/main.js"]
CMD ["doctor"]
