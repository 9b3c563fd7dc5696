# syntax=docker/dockerfile:1

FROM node:24-bookworm-slim AS base
WORKDIR /app

# Compiles the service; the development dependencies stay in this stage. The bundler is one of the optional packages, by platform.
FROM base AS build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --include=dev --ignore-scripts
COPY nest-cli.json tsconfig.json ./
COPY scripts/bundle.mjs scripts/
COPY apps apps
COPY libs libs
COPY migrations migrations
RUN npm run build

# Runtime dependencies: no development dependencies, and none of the optional packages, which contain Node.js and
# PostgreSQL for development machines.
FROM base AS dependencies
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts

FROM base
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=8081
# Owned by root: the service cannot change its own code.
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json LICENSE ./
# The files that /docs serves: the guides, and the scripts and styles of its pages.
COPY docs docs
COPY libs/http/browser libs/http/browser
# The user `node` of the base image, by number, so that Kubernetes can verify that it is not root.
USER 1000:1000
EXPOSE 8081
# Liveness instead of readiness: a container must not be restarted because PostgreSQL is unavailable.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/health/live').then(answer => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# In exec form the service is process 1 and receives SIGTERM directly.
CMD ["node", "--enable-source-maps", "dist/apps/coordination/src/main.js"]
