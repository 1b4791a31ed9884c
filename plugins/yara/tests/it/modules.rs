//! Rules as they are published: with modules, and with all that the language has.

use std::fmt::Write;

use crate::{matched, own};

/// A PE file for Windows with one section, and no code that does anything.
fn pe() -> Vec<u8> {
    let mut file = vec![0; 0x400];
    file[..2].copy_from_slice(b"MZ");
    file[0x3C] = 0x80;
    let mut at = 0x80;
    let mut put = |bytes: &[u8]| {
        file[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    put(b"PE\0\0");
    // For x86-64, one section, and an optional header of 240 bytes.
    put(&0x8664_u16.to_le_bytes());
    put(&1_u16.to_le_bytes());
    put(&[0; 12]);
    put(&240_u16.to_le_bytes());
    put(&0x0022_u16.to_le_bytes());
    put(&0x020B_u16.to_le_bytes());
    put(&[0; 14]);
    put(&0x1000_u32.to_le_bytes());
    put(&[0; 4]);
    put(&0x1_4000_0000_u64.to_le_bytes());
    put(&0x1000_u32.to_le_bytes());
    put(&0x200_u32.to_le_bytes());
    put(&[0; 16]);
    put(&0x2000_u32.to_le_bytes());
    put(&0x200_u32.to_le_bytes());
    put(&[0; 4]);
    put(&3_u16.to_le_bytes());
    put(&[0; 38]);
    put(&16_u32.to_le_bytes());
    put(&[0; 128]);
    put(b".text\0\0\0");
    for number in [0x200_u32, 0x1000, 0x200, 0x200, 0, 0, 0, 0x6000_0020] {
        put(&number.to_le_bytes());
    }
    file
}

const PUBLISHED: &str = r#"
/*
    As in the collections that are published.
*/
import "pe"
import "math"
import "hash"
import "string"
import "console"

private rule is_pe {
    condition: uint16(0) == 0x5A4D and uint32(uint32(0x3C)) == 0x00004550
}

rule pe_of_tests : windows executable {
    meta:
        author = "the tests of this plugin"
        date = "2026-11-30"
        score = 75
    condition:
        is_pe and pe.is_pe and pe.machine == pe.MACHINE_AMD64 and pe.number_of_sections == 1
        and pe.sections[0].name == ".text" and pe.entry_point == 0x200
        and not pe.is_signed
        and for any section in pe.sections : ( section.raw_data_size == 0x200 )
        and math.entropy(0x200, 0x200) < 1.0
        and console.log("entropy: ", math.entropy(0, filesize))
}

rule words : info {
    strings:
        $plain = "first words" fullword
        $wide = "second" wide nocase
        $hex = { 01 02 ?? 04 [2-4] ( AA | BB ) }
        $regex = /[a-f0-9]{8}-[0-9]{2}/ ascii
        $xor = "third word" xor(0x01-0xff)
        $base64 = "fourth word" base64
        $not = "never there"
    condition:
        5 of them and #plain == 1 and @plain[1] == 0 and !regex[1] == 11 and not $not
        and $hex in (0..filesize) and for all of ($regex, $xor) : ( # == 1 )
}

rule digest : info {
    condition: hash.md5(0, filesize) == "900150983cd24fb0d6963f7d28e17f72" and string.length("abc") == filesize
}
"#;

#[tokio::test]
async fn rules_with_modules_and_all_kinds_of_strings_work() {
    let mut words = b"first words, ".to_vec();
    words.extend("SeconD".bytes().flat_map(|byte| [byte, 0]));
    words.extend([1, 2, 3, 4, 5, 6, 0xBB]);
    words.extend(b" 0123abcd-42 ");
    words.extend("third word".bytes().map(|byte| byte ^ 0x21));
    words.extend(b" Zm91cnRoIHdvcmQ= ");
    let scanner = own(PUBLISHED);
    for (content, expected) in [
        (pe(), &["own:pe_of_tests"][..]),
        (words, &["own:words"]),
        (b"abc".to_vec(), &["own:digest"]),
        (b"MZ is not enough".to_vec(), &[]),
        (Vec::new(), &[]),
    ] {
        assert_eq!(
            matched(&scanner, &content).await,
            expected,
            "{:.40}",
            content.escape_ascii().to_string()
        );
    }
}

#[tokio::test]
async fn each_module_that_the_readme_names_can_be_imported() {
    let mut rules = String::new();
    for (module, condition) in [
        ("console", r#"console.log("a")"#),
        ("dex", "not dex.is_dex"),
        ("dotnet", "not dotnet.is_dotnet"),
        ("elf", "not defined elf.type"),
        ("hash", r#"hash.crc32("a") == 0xE8B7BE43"#),
        ("lnk", "not lnk.is_lnk"),
        ("macho", "not defined macho.magic"),
        ("math", "math.max(1, 2) == 2"),
        ("pe", "not pe.is_pe"),
        ("string", r#"string.to_int("7") == 7"#),
        ("time", "time.now() > 1000000000"),
    ] {
        writeln!(
            rules,
            "import \"{module}\" rule use_{module} : info {{ condition: {condition} }}"
        )
        .expect("memory");
    }
    assert_eq!(matched(&own(&rules), "any").await.len(), 11);
}
