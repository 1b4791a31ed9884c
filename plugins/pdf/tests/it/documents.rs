//! Documents that the tests make.

use miniz_oxide::deflate::compress_to_vec_zlib;
use weezl::BitOrder;

pub(crate) const SCRIPT: &str = "<</S/JavaScript/JS(app.alert('hello'))>>";

/// A document with these objects behind its catalog, its page tree and its page.
pub(crate) fn document(objects: &[&[u8]]) -> Vec<u8> {
    let mut all: Vec<&[u8]> = vec![
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
    ];
    all.extend(objects);
    let mut file = b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", all.len() + 1);
    for (at, object) in all.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n \n", file.len()));
        file.extend(format!("{} 0 obj\n", at + 1).bytes());
        file.extend(*object);
        file.extend(b"\nendobj\n");
    }
    let start = file.len();
    file.extend(table.bytes());
    file.extend(
        format!(
            "trailer\n<</Size {}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n",
            all.len() + 1
        )
        .bytes(),
    );
    file
}

/// A document with one more object.
pub(crate) fn with(object: &str) -> Vec<u8> {
    document(&[object.as_bytes()])
}

/// A stream with these bytes.
pub(crate) fn stream(entries: &str, bytes: &[u8]) -> Vec<u8> {
    let mut object = format!("<<{entries}/Length {}>>stream\r\n", bytes.len()).into_bytes();
    object.extend(bytes);
    object.extend(b"\nendstream");
    object
}

/// The bytes of an object stream with these objects, numbered from 10, and the entries that describe them.
pub(crate) fn packed(objects: &[&str]) -> (String, Vec<u8>) {
    let (mut header, mut body) = (String::new(), String::new());
    for (at, object) in objects.iter().enumerate() {
        header.push_str(&format!("{} {} ", at + 10, body.len()));
        body.push_str(object);
        body.push(' ');
    }
    let entries = format!("/Type/ObjStm/N {}/First {}", objects.len(), header.len());
    (entries, (header + &body).into_bytes())
}

pub(crate) fn flate(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec_zlib(bytes, 6)
}

pub(crate) fn lzw(bytes: &[u8], is_early: bool) -> Vec<u8> {
    let mut encoder = if is_early {
        weezl::encode::Encoder::with_tiff_size_switch(BitOrder::Msb, 8)
    } else {
        weezl::encode::Encoder::new(BitOrder::Msb, 8)
    };
    encoder.encode(bytes).expect("bytes can be encoded")
}

pub(crate) fn hex(bytes: &[u8]) -> Vec<u8> {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    (digits + ">").into_bytes()
}

pub(crate) fn base85(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for group in bytes.chunks(4) {
        let mut four = [0; 4];
        four[..group.len()].copy_from_slice(group);
        let mut value = u32::from_be_bytes(four);
        let mut digits = [0; 5];
        for digit in digits.iter_mut().rev() {
            *digit = b'!' + u8::try_from(value % 85).expect("fits");
            value /= 85;
        }
        out.extend(&digits[..=group.len()]);
    }
    out.extend(b"~>");
    out
}

/// Rows of four bytes, predicted by the byte above.
pub(crate) fn predicted(bytes: &[u8]) -> Vec<u8> {
    let (mut out, mut above) = (Vec::new(), [0u8; 4]);
    for row in bytes.chunks(4) {
        let mut whole = [b' '; 4];
        whole[..row.len()].copy_from_slice(row);
        out.push(2);
        out.extend(whole.iter().zip(above).map(|(byte, up)| byte.wrapping_sub(up)));
        above = whole;
    }
    out
}

/// The same script in an object stream with every filter, and with several.
pub(crate) fn filtered(objects: &[&str]) -> Vec<(&'static str, Vec<u8>)> {
    let (entries, bytes) = packed(objects);
    let of = |filters: &str, bytes: Vec<u8>| document(&[&stream(&format!("{entries}{filters}"), &bytes)]);
    let parms = "/DecodeParms<</Predictor 12/Columns 4>>";
    vec![
        ("none", of("", bytes.clone())),
        ("flate", of("/Filter/FlateDecode", flate(&bytes))),
        ("flate in a list", of("/Filter[/FlateDecode]", flate(&bytes))),
        (
            "flate with an escaped name",
            of("/Fi#6cter/Flate#44ecode", flate(&bytes)),
        ),
        (
            "flate with a predictor",
            of(&format!("/Filter/FlateDecode{parms}"), flate(&predicted(&bytes))),
        ),
        ("LZW", of("/Filter/LZWDecode", lzw(&bytes, true))),
        (
            "LZW, late",
            of("/Filter/LZWDecode/DecodeParms<</EarlyChange 0>>", lzw(&bytes, false)),
        ),
        ("hexadecimal", of("/Filter/ASCIIHexDecode", hex(&bytes))),
        ("base 85", of("/Filter/ASCII85Decode", base85(&bytes))),
        (
            "two filters",
            of("/Filter[/ASCII85Decode/FlateDecode]", base85(&flate(&bytes))),
        ),
        (
            "two filters with a predictor",
            of(
                "/Filter[/ASCIIHexDecode/FlateDecode]/DecodeParms[null<</Predictor 15/Columns 4>>]",
                hex(&flate(&predicted(&bytes))),
            ),
        ),
        (
            "four filters",
            of(
                "/Filter[/ASCIIHexDecode/ASCII85Decode/LZWDecode/FlateDecode]",
                hex(&base85(&lzw(&flate(&bytes), true))),
            ),
        ),
    ]
}
