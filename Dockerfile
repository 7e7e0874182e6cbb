# A node of a mesh. It takes its settings from the environment (packages/cli/README.md lists them), runs as a user without rights, and writes nothing to its root file system:
#
#   docker build -t causalmesh .
#   docker run --read-only --cap-drop ALL -e CAUSALMESH_STORE=postgres://… -e CAUSALMESH_SECRET=… causalmesh
#
# compose.yaml runs three of them; deploy/helm runs them on Kubernetes.
ARG NODE_VERSION=22

FROM node:${NODE_VERSION}-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json turbo.json tsconfig.base.json ./
COPY packages packages
COPY apps apps
COPY bench bench
COPY examples examples
RUN npm ci --ignore-scripts --no-audit --no-fund
RUN npx turbo run build --filter=causalmesh
# The packages as they would be published, so that the image holds what their users get, and no sources or tools.
RUN mkdir /packed && npm pack --silent --pack-destination /packed \
    -w packages/core -w packages/checker -w packages/monitor -w packages/adapters/kit -w packages/adapters/memory -w packages/adapters/lmdb -w packages/adapters/postgres \
    -w packages/adapters/redis -w packages/adapters/dynamodb -w packages/transport/tcp -w packages/transport/http -w packages/cli
WORKDIR /app
RUN npm init --yes > /dev/null && npm install --omit=dev --ignore-scripts --no-audit --no-fund /packed/*.tgz

FROM node:${NODE_VERSION}-bookworm-slim
ENV NODE_ENV=production \
    CAUSALMESH_LISTEN=0.0.0.0:7400 \
    CAUSALMESH_ADMIN=0.0.0.0:9400
COPY --from=build /app /app
RUN ln -s /app/node_modules/.bin/causalmesh /usr/local/bin/causalmesh
# The user `node` of the image, by its number, so that Kubernetes can see that it is not root.
USER 1000:1000
WORKDIR /app
EXPOSE 7400 9400
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
    CMD ["node", "-e", "fetch('http://127.0.0.1:9400/readyz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["causalmesh"]
# Beyond the container its network decides who reaches the admin port, which shows the state of the node.
CMD ["node", "start", "--admin-no-authentication"]
