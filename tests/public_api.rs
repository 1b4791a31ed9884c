//! The public API of each library crate, compared with the listing in `tests/data/public-api/`, so that no change of it goes
//! unseen. After a deliberate change: `UPDATE_PUBLIC_API=1 cargo test --test public_api`, and read the difference.
//!
//! The listing is made from the sources: what a crate declares as `pub` and shows at its root, by declaration or re-export. It
//! has signatures, fields, variants and traits, and no documentation.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::punctuated::Punctuated;
use syn::{Attribute, Fields, ImplItem, Item, ItemImpl, TraitItem, Type, UseTree, Visibility, parse_quote};

/// Attributes that callers notice.
const SHOWN: [&str; 4] = ["derive", "non_exhaustive", "must_use", "cfg"];

/// The library crates, each with its folder: all of the workspace, so that a new one cannot be forgotten.
fn crates(root: &Path) -> BTreeMap<String, PathBuf> {
    let mut crates = BTreeMap::from([
        ("intake".to_owned(), root.to_owned()),
        ("intake-core".to_owned(), root.join("core")),
        ("intake-outbound".to_owned(), root.join("outbound")),
        ("intake-images".to_owned(), root.join("images")),
    ]);
    for (folder, prefix) in [("adapters", "intake-"), ("plugins", "intake-plugin-")] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            crates.insert(format!("{prefix}{name}"), path.clone());
        }
    }
    crates
}

type Module = Vec<String>;

/// The sources of one crate, by module.
struct Sources(BTreeMap<Module, Vec<Item>>);

impl Sources {
    fn of(folder: &Path) -> Self {
        let mut sources = Self(BTreeMap::new());
        sources.read(&folder.join("lib.rs"), Vec::new());
        sources
    }

    fn read(&mut self, file: &Path, module: Module) {
        let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let items = syn::parse_file(&text).unwrap().items;
        self.add(items, module, file);
    }

    fn add(&mut self, items: Vec<Item>, module: Module, file: &Path) {
        for item in &items {
            let Item::Mod(inner) = item else { continue };
            if is_for_tests(&inner.attrs) {
                continue;
            }
            let name = inner.ident.to_string();
            let below = [&module[..], std::slice::from_ref(&name)].concat();
            match &inner.content {
                Some((_, items)) => self.add(items.clone(), below, file),
                None => {
                    let found = places(file, &name).into_iter().find(|path| path.exists());
                    self.read(
                        &found.unwrap_or_else(|| panic!("no file of {}", below.join("::"))),
                        below,
                    );
                }
            }
        }
        self.0.insert(module, items);
    }
}

/// The files in which a module of this name may be that another file declares.
fn places(declared_in: &Path, name: &str) -> [PathBuf; 2] {
    let stem = declared_in.file_stem().unwrap().to_str().unwrap();
    let folder = match stem {
        "lib" | "mod" => declared_in.parent().unwrap().to_owned(),
        _ => declared_in.with_extension(""),
    };
    [folder.join(format!("{name}.rs")), folder.join(name).join("mod.rs")]
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    let is_test = |attribute: &Attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Ident>().is_ok_and(|name| name == "test")
    };
    attributes.iter().any(is_test)
}

fn is_hidden(attributes: &[Attribute]) -> bool {
    let is_hidden = |attribute: &Attribute| {
        attribute.path().is_ident("doc") && attribute.parse_args::<syn::Ident>().is_ok_and(|name| name == "hidden")
    };
    attributes.iter().any(is_hidden)
}

/// What a crate shows: for each public path the item, without documentation and bodies.
struct Shown<'a> {
    sources: &'a Sources,
    items: BTreeMap<String, Item>,
    /// The types whose methods count.
    types: BTreeSet<String>,
    seen: BTreeSet<(Module, Module)>,
}

impl Shown<'_> {
    /// All that is public in a module, under this public path.
    fn module(&mut self, module: &Module, public: &Module) {
        if !self.seen.insert((module.clone(), public.clone())) {
            return;
        }
        for item in &self.sources.0[module] {
            match item {
                Item::Mod(inner) if is_public(&inner.vis) && !is_hidden(&inner.attrs) => {
                    let name = [inner.ident.to_string()];
                    self.module(&[module, &name[..]].concat(), &[public, &name[..]].concat());
                }
                Item::Use(reexport) if is_public(&reexport.vis) && !is_hidden(&reexport.attrs) => {
                    self.reexport(&reexport.tree, Vec::new(), module, public);
                }
                item => self.item(item, public),
            }
        }
    }

    fn reexport(&mut self, tree: &UseTree, before: Vec<String>, module: &Module, public: &Module) {
        let with = |name: &syn::Ident| [&before[..], &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.reexport(&path.tree, with(&path.ident), module, public),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.reexport(tree, before.clone(), module, public);
                }
            }
            UseTree::Name(name) => self.named(&with(&name.ident), &name.ident.to_string(), module, public),
            UseTree::Rename(rename) => self.named(&with(&rename.ident), &rename.rename.to_string(), module, public),
            UseTree::Glob(_) => self.foreign(&before, "*", public),
        }
    }

    fn named(&mut self, path: &[String], name: &str, module: &Module, public: &Module) {
        let path: Module = match path[0].as_str() {
            "crate" => path[1..].to_vec(),
            "self" => [module, &path[1..]].concat(),
            "super" => [&module[..module.len() - 1], &path[1..]].concat(),
            _ => {
                let below = [module, path].concat();
                let is_own = self.sources.0.contains_key(&[module, &path[..1]].concat());
                match is_own {
                    true => below,
                    false => return self.foreign(path, name, public),
                }
            }
        };
        if self.sources.0.contains_key(&path) {
            return self.module(&path, &[&public[..], &[name.to_owned()]].concat());
        }
        let (last, parent) = path.split_last().unwrap();
        let items = &self.sources.0[parent];
        for item in items.iter().filter(|item| name_of(item).as_ref() == Some(last)) {
            self.item(item, public);
        }
        // A re-export of a re-export.
        for item in items {
            if let Item::Use(reexport) = item {
                for found in paths_of(&reexport.tree, &[])
                    .into_iter()
                    .filter(|found| found.last() == Some(last))
                {
                    self.named(&found, name, &parent.to_vec(), public);
                }
            }
        }
    }

    /// What another crate declares.
    fn foreign(&mut self, path: &[String], name: &str, public: &Module) {
        let key = [&public[..], &[name.to_owned()]].concat().join("::");
        let path: syn::Path = syn::parse_str(&path.join("::")).unwrap();
        self.items.insert(key, parse_quote!(pub use #path;));
    }

    fn item(&mut self, item: &Item, public: &Module) {
        if let Some((name, item)) = shown(item) {
            if matches!(item, Item::Struct(_) | Item::Enum(_) | Item::Union(_)) {
                self.types.insert(name.clone());
            }
            self.items.insert([&public[..], &[name]].concat().join("::"), item);
        }
    }
}

fn paths_of(tree: &UseTree, before: &[String]) -> Vec<Vec<String>> {
    let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
    match tree {
        UseTree::Path(path) => paths_of(&path.tree, &with(&path.ident)),
        UseTree::Group(group) => group.items.iter().flat_map(|tree| paths_of(tree, before)).collect(),
        UseTree::Name(name) => vec![with(&name.ident)],
        UseTree::Rename(_) | UseTree::Glob(_) => Vec::new(),
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn name_of(item: &Item) -> Option<String> {
    let name = match item {
        Item::Struct(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Const(item) => &item.ident,
        Item::Static(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        _ => return None,
    };
    Some(name.to_string())
}

fn keep_shown(attributes: &mut Vec<Attribute>) {
    attributes.retain(|attribute| SHOWN.iter().any(|shown| attribute.path().is_ident(shown)));
}

/// A public item as it is listed.
fn shown(item: &Item) -> Option<(String, Item)> {
    let name = name_of(item)?;
    let mut item = item.clone();
    match &mut item {
        Item::Struct(item) if is_public(&item.vis) => {
            keep_shown(&mut item.attrs);
            keep_public(&mut item.fields);
        }
        Item::Enum(item) if is_public(&item.vis) => {
            keep_shown(&mut item.attrs);
            for variant in &mut item.variants {
                keep_shown(&mut variant.attrs);
                for field in &mut variant.fields {
                    keep_shown(&mut field.attrs);
                }
            }
        }
        Item::Trait(item) if is_public(&item.vis) => {
            keep_shown(&mut item.attrs);
            for item in &mut item.items {
                if let TraitItem::Fn(function) = item {
                    keep_shown(&mut function.attrs);
                    // Whether there is a default is part of the contract; the default itself is not.
                    function.default = function.default.as_ref().map(|_| parse_quote!({}));
                }
            }
        }
        Item::Fn(item) if is_public(&item.vis) => {
            keep_shown(&mut item.attrs);
            item.block = parse_quote!({});
        }
        Item::Const(item) if is_public(&item.vis) => keep_shown(&mut item.attrs),
        Item::Static(item) if is_public(&item.vis) => keep_shown(&mut item.attrs),
        Item::Type(item) if is_public(&item.vis) => keep_shown(&mut item.attrs),
        Item::Macro(item)
            if item
                .attrs
                .iter()
                .any(|attribute| attribute.path().is_ident("macro_export")) =>
        {
            let name = item.ident.clone()?;
            return Some((name.to_string(), parse_quote!(macro_rules! #name {})));
        }
        _ => return None,
    }
    Some((name, item))
}

/// Drops private fields, but for the fact that there are some.
fn keep_public(fields: &mut Fields) {
    match fields {
        Fields::Named(fields) => {
            let all = std::mem::replace(&mut fields.named, Punctuated::new());
            let count = all.len();
            fields
                .named
                .extend(all.into_iter().filter(|field| is_public(&field.vis)));
            fields.named.iter_mut().for_each(|field| keep_shown(&mut field.attrs));
            if fields.named.len() < count {
                fields.named.push(parse_quote!(private: _));
            }
        }
        Fields::Unnamed(fields) => {
            for field in &mut fields.unnamed {
                keep_shown(&mut field.attrs);
                if !is_public(&field.vis) {
                    field.ty = parse_quote!(_);
                }
            }
        }
        Fields::Unit => {}
    }
}

/// What is implemented for the types that a crate shows: their methods, and the names of traits.
fn implementations(sources: &Sources, types: &BTreeSet<String>) -> Vec<ItemImpl> {
    let all = sources.0.values().flatten().filter_map(|item| match item {
        Item::Impl(item) if !is_for_tests(&item.attrs) => Some(item.clone()),
        _ => None,
    });
    let mut shown = Vec::new();
    for mut item in all {
        let Type::Path(of) = &*item.self_ty else { continue };
        if !of
            .path
            .segments
            .last()
            .is_some_and(|name| types.contains(&name.ident.to_string()))
        {
            continue;
        }
        keep_shown(&mut item.attrs);
        let of_trait = item.trait_.is_some();
        item.items.retain_mut(|item| match item {
            ImplItem::Fn(function) if is_public(&function.vis) => {
                let hidden = is_hidden(&function.attrs);
                keep_shown(&mut function.attrs);
                function.block = parse_quote!({});
                !hidden
            }
            ImplItem::Const(constant) if is_public(&constant.vis) => {
                keep_shown(&mut constant.attrs);
                true
            }
            ImplItem::Type(_) => of_trait,
            _ => false,
        });
        let is_private_trait = item.trait_.as_ref().is_some_and(|(_, path, _)| {
            let name = path.segments.last().unwrap().ident.to_string();
            let declared = sources.0.values().flatten();
            let mut own =
                declared.filter(|item| matches!(item, Item::Trait(_)) && name_of(item).as_ref() == Some(&name));
            own.next().is_some_and(|item| shown_trait(item).is_none())
        });
        if (of_trait && !is_private_trait) || !item.items.is_empty() {
            shown.push(item);
        }
    }
    shown
}

fn shown_trait(item: &Item) -> Option<()> {
    match item {
        Item::Trait(item) if is_public(&item.vis) => Some(()),
        _ => None,
    }
}

fn listing(folder: &Path) -> String {
    let sources = Sources::of(folder);
    let mut shown = Shown {
        sources: &sources,
        items: BTreeMap::new(),
        types: BTreeSet::new(),
        seen: BTreeSet::new(),
    };
    shown.module(&Vec::new(), &Vec::new());
    let mut text = String::new();
    for (path, item) in &shown.items {
        text.push_str(&format!("// {path}\n{}\n", printed(item.clone())));
    }
    let implementations = implementations(&sources, &shown.types);
    let mut implementations: Vec<_> = implementations
        .into_iter()
        .map(|item| printed(Item::Impl(item)))
        .collect();
    implementations.sort();
    text.push_str(&implementations.join("\n"));
    text
}

fn printed(item: Item) -> String {
    prettyplease::unparse(&syn::File {
        shebang: None,
        attrs: Vec::new(),
        items: vec![item],
    })
}

#[test]
fn no_public_item_changes_unseen() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let update = std::env::var_os("UPDATE_PUBLIC_API").is_some();
    let mut changed = Vec::new();
    for (name, folder) in crates(root) {
        let (file, found) = (
            format!("tests/data/public-api/{name}.rs.txt"),
            listing(&folder.join("src")),
        );
        let path = root.join(&file);
        if update {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &found).unwrap();
        }
        let known = std::fs::read_to_string(&path).unwrap_or_default();
        if known != found {
            let first = found.lines().zip(known.lines()).find(|(found, known)| found != known);
            changed.push(format!("{file}: first difference, found and known: {first:#?}"));
        }
    }
    assert!(
        changed.is_empty(),
        "if this is meant: UPDATE_PUBLIC_API=1 cargo test --test public_api, and read the difference\n{changed:#?}"
    );
}
