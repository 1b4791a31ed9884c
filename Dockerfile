# The `intake` program and nothing else, for a user without rights.
#
#   docker build -t intake .
#   docker run --rm -p 127.0.0.1:8080:8080 intake

FROM rust:1-bookworm AS build
WORKDIR /source
COPY . .
RUN cargo build --release --locked --bin intake

FROM debian:bookworm-slim
# Whom S3 and PostgreSQL are to show their certificates by.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /source/target/release/intake /usr/local/bin/
# The built-in configuration writes to the working directory; one with a bucket and PostgreSQL writes nowhere.
RUN install -d -o 10001 -g 10001 /var/lib/intake
WORKDIR /var/lib/intake
USER 10001:10001
ENV INTAKE_SERVER__LISTEN=0.0.0.0:8080
EXPOSE 8080
ENTRYPOINT ["intake"]
CMD ["serve"]
