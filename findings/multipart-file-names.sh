#!/usr/bin/env bash
# File names that two Rust readers of multipart/form-data take for something else, without an error.
#
# multer 3.1.0 (the reader inside axum's Multipart) and its fork multra 1.2.0, both on forms that keep to the rules:
#
# 1. A name that ends in a backslash, written as a quoted string has it: `filename="ends with \\"`. Go, Ruby's Net::HTTP,
#    httpx, LWP and Apache HttpClient send it so. multer takes the closing quote for an escaped one, finds no file name,
#    and the file looks like a text field; multra finds a name with two backslashes.
# 2. Browsers put only `"`, CR and LF of a name as percent signs (WHATWG HTML), so `50%25 off%2Fa.txt` is the name of a file
#    that is called so. multra undoes every percent sign of a file name: it becomes `50% off/a.txt`, with a slash in it.
#    multer keeps `%22`, which the same rule says is a quote.
# 3. A name in windows-1252, which clients of old pages send: both find no file name, so the file looks like a text field.
#
# Fails when one of these changes. Needs cargo, and the network for the two crates. Not part of the tests.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat >Cargo.toml <<'TOML'
[package]
name = "names"
version = "0.0.0"
edition = "2021"

[dependencies]
multer = "=3.1.0"
multra = "=1.2.0"
bytes = "1"
futures-util = "0.3"
TOML
cat >src/main.rs <<'RUST'
use std::convert::Infallible;

use bytes::Bytes;
use futures_util::{future::ready, stream::once};

fn form(name: &[u8]) -> Bytes {
    let head = b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"";
    Bytes::from([&head[..], name, b"\"\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--\r\n"].concat())
}

macro_rules! name {
    ($reader:ident, $name:expr) => {{
        let body = once(ready(Ok::<_, Infallible>(form($name))));
        let mut form = $reader::Multipart::new(body, "b");
        let field = futures_util::FutureExt::now_or_never(form.next_field());
        let field = field.expect("the whole body is there").expect("a form").expect("a part");
        field.file_name().map_or("no file name".to_owned(), |name| format!("{name:?}"))
    }};
}

fn main() {
    for name in [&b"ends with \\\\"[..], b"50%25 off%2Fa.txt", b"a %22quote%22.txt", b"caf\xe9.txt"] {
        println!("{}: multer {}, multra {}", name.escape_ascii(), name!(multer, name), name!(multra, name));
    }
}
RUST
CARGO_TARGET_DIR=$folder/target cargo run --quiet >seen
cat >expected <<'SEEN'
ends with \\\\: multer no file name, multra "ends with \\\\"
50%25 off%2Fa.txt: multer "50%25 off%2Fa.txt", multra "50% off/a.txt"
a %22quote%22.txt: multer "a %22quote%22.txt", multra "a \"quote\".txt"
caf\xe9.txt: multer no file name, multra no file name
SEEN
cat seen
diff expected seen
