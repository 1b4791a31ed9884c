#!/bin/sh
# Three libraries that find types by content call a private key a certificate of an authority, and one calls an object of git a disk.
#
# Versions: infer 0.22.0, file-format 0.29.0, mimetype-detector 0.3.13 (Rust).
#
# A key in DER begins with 30 82, as every structure of DER does that has 256 to 65,535 bytes (ITU-T X.690, 8.1.3.5): keys, requests
# for certificates, signed messages. All three libraries take these two bytes for `application/x-x509-ca-cert`. So an upload that
# takes certificates by such a library takes private keys too, and one that means to keep certificates out keeps out signed mail.
# In the same way, file-format takes the two bytes that begin every fast stream of zlib (78 01, RFC 1950) for an Apple disk image:
# every loose object of git is one.
#
# Seen:
#   key.der     infer: application/x-x509-ca-cert  file-format: application/x-x509-ca-cert  mimetype-detector: application/x-x509-ca-cert
#   git object  infer: nothing  file-format: application/x-apple-diskimage  mimetype-detector: application/zlib
#
# Needs cargo, openssl and git. Ends with 1 if an answer is another one.
set -eu

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
cd "$room"

openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -outform DER -out key.der 2>/dev/null
git init --quiet --bare repository
echo 'Hello, world!' | git --git-dir repository hash-object -w --stdin >/dev/null
cp repository/objects/??/* object.git

mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "told"
version = "0.0.0"
edition = "2024"

[workspace]

[dependencies]
infer = "=0.22.0"
file-format = "=0.29.0"
mimetype-detector = "=0.3.13"
TOML
cat > src/main.rs <<'RUST'
fn main() {
    for name in ["key.der", "object.git"] {
        let bytes = std::fs::read(name).unwrap();
        let infer = infer::get(&bytes).map_or("nothing", |kind| kind.mime_type());
        let file_format = file_format::FileFormat::from_bytes(&bytes);
        let detector = mimetype_detector::detect(&bytes).mime();
        println!("{name} {infer} {} {detector}", file_format.media_type());
    }
}
RUST
cargo run --quiet > seen
cat seen
cat > expected <<'TEXT'
key.der application/x-x509-ca-cert application/x-x509-ca-cert application/x-x509-ca-cert
object.git nothing application/x-apple-diskimage application/zlib
TEXT
cmp expected seen
