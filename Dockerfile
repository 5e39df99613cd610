FROM rust:1.95-slim-trixie AS build
WORKDIR /build
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --locked --release --bin simpleflow \
    && install target/release/simpleflow /usr/local/bin/simpleflow

FROM debian:trixie-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --create-home --home-dir /var/lib/simpleflow simpleflow
COPY --from=build /usr/local/bin/simpleflow /usr/local/bin/simpleflow
USER simpleflow
WORKDIR /var/lib/simpleflow
ENTRYPOINT ["simpleflow"]
