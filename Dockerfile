# syntax=docker/dockerfile:1

FROM node:24-bookworm-slim AS base
WORKDIR /app

# What compiles the service: development dependencies stay in this stage.
FROM base AS build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --include=dev --omit=optional --ignore-scripts
COPY nest-cli.json tsconfig.json ./
COPY apps apps
COPY libs libs
COPY migrations migrations
RUN npm run build

# What the service needs at run time: no development dependencies, and none of the optional packages, which bring
# Node.js and PostgreSQL to development machines.
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
# What /docs serves: the guides, and the scripts and styles of its pages.
COPY docs docs
COPY libs/http/browser libs/http/browser
# The image's own user `node`, by number, so that Kubernetes can see that it is not root.
USER 1000:1000
EXPOSE 8081
# Liveness, not readiness: who restarts unhealthy containers must not do so because PostgreSQL is away.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/health/live').then(answer => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# In this form it is process 1 and gets SIGTERM itself.
CMD ["node", "--enable-source-maps", "dist/apps/coordination/src/main.js"]
