//! The modules of each crate: the floors of the core hold, and no module uses itself through others.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use syn::visit::{self, Visit};

use crate::architecture::{root, tracked};

/// The floors of the core, from the ground up. A file uses its own floor and those below.
const FLOORS: [&str; 7] = ["value", "record", "contract", "policy", "engine", "memory", "testkit"];

/// A module, as a path from the root of its crate.
type Module = Vec<String>;

/// The modules of one crate, without its root, which only re-exports.
struct Modules {
    files: BTreeMap<Module, File>,
}

/// The paths and the re-exports of one file.
#[derive(Default)]
struct File {
    /// Paths that begin at the root of the crate, at the module itself or at one of its parents.
    paths: Vec<Vec<String>>,
    /// The names that this module re-exports, with their paths.
    exports: BTreeMap<String, Vec<String>>,
}

impl Modules {
    fn of(folder: &str) -> Self {
        let source = root().join(folder).join("src");
        let mut files = BTreeMap::new();
        for path in tracked(".rs").into_iter().filter(|path| path.starts_with(&source)) {
            let module = module_of(path.strip_prefix(&source).unwrap());
            let is_test = module.iter().any(|name| name == "tests" || name == "main");
            if !is_test {
                let text = std::fs::read_to_string(&path).unwrap();
                let mut file = File::default();
                Reader {
                    module: &module,
                    file: &mut file,
                }
                .visit_file(&syn::parse_file(&text).unwrap());
                files.insert(module, file);
            }
        }
        assert!(files.len() > 1, "{folder} has modules");
        Self { files }
    }

    /// The module in which a path ends, after all re-exports. The root does not count as a module.
    fn resolve(&self, path: &[String]) -> Option<&Module> {
        let longest = (0..=path.len())
            .rev()
            .find(|length| self.files.contains_key(&path[..*length]))?;
        let (module, file) = self.files.get_key_value(&path[..longest])?;
        let exported = path.get(longest).and_then(|name| file.exports.get(name));
        match exported {
            Some(exported) if exported != path => self.resolve(exported),
            _ => Some(module).filter(|module| !module.is_empty()),
        }
    }

    /// The modules that a module uses.
    fn used_by<'a>(&'a self, module: &'a Module) -> BTreeSet<&'a Module> {
        let used = self.files[module].paths.iter().filter_map(|path| self.resolve(path));
        used.filter(|used| *used != module).collect()
    }

    /// The modules that use themselves through others, each with the next module on the way.
    fn circles(&self) -> Vec<String> {
        let mut circles = Vec::new();
        for module in self.files.keys().filter(|module| !module.is_empty()) {
            let (mut reached, mut next) = (BTreeSet::new(), self.used_by(module));
            while let Some(one) = next.pop_first() {
                if reached.insert(one) {
                    next.extend(self.used_by(one));
                }
            }
            if reached.contains(module) {
                circles.push(module.join("::"));
            }
        }
        circles
    }
}

fn module_of(path: &Path) -> Module {
    let mut module: Module = path
        .with_extension("")
        .iter()
        .map(|step| step.to_str().unwrap().to_owned())
        .collect();
    if matches!(module.last().map(String::as_str), Some("mod" | "lib")) {
        module.pop();
    }
    module
}

/// Reads the paths in a file, except those in its tests.
struct Reader<'a> {
    module: &'a Module,
    file: &'a mut File,
}

impl Reader<'_> {
    /// The path from the root of the crate, if it is one within the crate.
    fn absolute(&self, path: &[String]) -> Option<Vec<String>> {
        let ups = path.iter().take_while(|step| *step == "super").count();
        match path.first()?.as_str() {
            "crate" => Some(path[1..].to_vec()),
            "self" => Some([self.module, &path[1..]].concat()),
            "super" => Some([&self.module[..self.module.len().checked_sub(ups)?], &path[ups..]].concat()),
            _ => None,
        }
    }

    fn add_use(&mut self, before: &[String], tree: &syn::UseTree, exports: bool) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        let (path, name) = match tree {
            syn::UseTree::Path(path) => return self.add_use(&with(&path.ident), &path.tree, exports),
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_use(before, tree, exports);
                }
                return;
            }
            syn::UseTree::Name(name) if name.ident == "self" => (before.to_vec(), before.last().cloned()),
            syn::UseTree::Name(name) => (with(&name.ident), Some(name.ident.to_string())),
            syn::UseTree::Rename(rename) => (with(&rename.ident), Some(rename.rename.to_string())),
            syn::UseTree::Glob(_) => (before.to_vec(), None),
        };
        let Some(path) = self.absolute(&path) else { return };
        match name.filter(|_| exports) {
            Some(name) => drop(self.file.exports.insert(name, path)),
            None => self.file.paths.push(path),
        }
    }
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    let is_test = |attribute: &syn::Attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Ident>().is_ok_and(|name| name == "test")
    };
    attributes.iter().any(is_test)
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !is_for_tests(&item.attrs) {
            let exports = !matches!(item.vis, syn::Visibility::Inherited);
            self.add_use(&[], &item.tree, exports);
        }
    }

    // A visibility such as `pub(in crate::x)` uses nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let steps: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if let Some(path) = self.absolute(&steps).filter(|path| !path.is_empty()) {
            self.file.paths.push(path);
        }
        visit::visit_path(self, path);
    }
}

/// Reads how long functions are, in lines.
#[derive(Default)]
struct Lengths(Vec<(String, usize)>);

impl Lengths {
    fn add(&mut self, name: &syn::Ident, block: &syn::Block) {
        let braces = block.brace_token.span;
        let lines = braces.close().start().line - braces.open().start().line + 1;
        self.0.push((name.to_string(), lines));
    }
}

impl<'ast> Visit<'ast> for Lengths {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add(&item.sig.ident, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(&item.sig.ident, &item.block);
        visit::visit_impl_item_fn(self, item);
    }
}

#[test]
fn no_function_is_longer_than_sixty_lines_but_the_table_of_transitions() {
    let is_production = |path: &Path| {
        let below = path.strip_prefix(root()).unwrap();
        let is_test = below
            .iter()
            .any(|step| step == "tests" || step == "tests.rs" || step == "benches" || step == "testkit");
        let is_source = [
            "src",
            "core/src",
            "images/src",
            "outbound/src",
            "adapters",
            "plugins",
            "build.rs",
            "build",
        ]
        .iter()
        .any(|folder| below.starts_with(folder));
        is_source && !is_test
    };
    let mut long = Vec::new();
    for path in tracked(".rs").into_iter().filter(|path| is_production(path)) {
        let mut lengths = Lengths::default();
        lengths.visit_file(&syn::parse_file(&std::fs::read_to_string(&path).unwrap()).unwrap());
        for (name, lines) in lengths.0 {
            if lines > 60 && name != "after" {
                long.push(format!("{}: {name}: {lines}", path.display()));
            }
        }
    }
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn a_file_of_the_core_uses_its_own_floor_and_those_below_by_their_modules() {
    let core = Modules::of("core");
    let height = |floor: &str| FLOORS.iter().position(|known| *known == floor);
    let mut wrong = Vec::new();
    for (module, file) in core.files.iter().filter(|(module, _)| !module.is_empty()) {
        let own = height(&module[0]).unwrap_or_else(|| panic!("{} is on no floor", module.join("::")));
        for path in &file.paths {
            if path
                .first()
                .and_then(|floor| height(floor))
                .is_none_or(|used| used > own)
            {
                wrong.push(format!("{} uses {}", module.join("::"), path.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_pipeline_does_its_work_on_one_floor() {
    for path in tracked(".rs") {
        let text = std::fs::read_to_string(&path).unwrap();
        let is_there = path.starts_with(root().join("core/src/engine"));
        let is_elsewhere = path.starts_with(root().join("core/src")) && !is_there;
        let has_methods = text.lines().any(|line| line.starts_with("impl Pipeline"));
        assert!(!(is_elsewhere && has_methods), "{}", path.display());
    }
}

#[test]
fn no_module_uses_itself_by_a_detour() {
    for folder in [
        "core",
        "images",
        "adapters/upload-api",
        "outbound",
        "plugins/clamav",
        "plugins/http-source",
        "plugins/image-info",
        "plugins/opendal",
        "plugins/sql",
        "plugins/webhook",
    ] {
        let circles = Modules::of(folder).circles();
        assert!(circles.is_empty(), "{folder}: {circles:#?}");
    }
}

/// The names of fields that expressions in a file read or write.
#[derive(Default)]
struct FieldNames(BTreeSet<String>);

impl<'ast> Visit<'ast> for FieldNames {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_expr_field(&mut self, field: &'ast syn::ExprField) {
        if let syn::Member::Named(name) = &field.member {
            self.0.insert(name.to_string());
        }
        visit::visit_expr_field(self, field);
    }
}

#[test]
fn a_new_field_of_a_record_touches_the_record_and_no_recorder() {
    /// What a recorder searches or compares, and the events that it keeps beside the record.
    const SEARCHED: [&str; 7] = ["id", "revision", "state", "due", "created", "options", "events"];

    let record = syn::parse_file(&std::fs::read_to_string(root().join("core/src/record/upload.rs")).unwrap()).unwrap();
    let fields = record.items.iter().find_map(|item| match item {
        syn::Item::Struct(item) if item.ident == "Record" => Some(&item.fields),
        _ => None,
    });
    let fields: Vec<_> = fields
        .unwrap()
        .iter()
        .filter_map(|field| field.ident.as_ref())
        .collect();
    assert!(
        SEARCHED
            .iter()
            .all(|searched| fields.iter().any(|field| field == searched))
    );
    let mut touched = Vec::new();
    for path in tracked(".rs")
        .into_iter()
        .filter(|path| path.starts_with(root().join("plugins/sql/src")))
    {
        let is_test = path
            .iter()
            .any(|step| step == "tests" || step == "tests.rs" || step == "before.rs");
        if is_test {
            continue;
        }
        let mut named = FieldNames::default();
        named.visit_file(&syn::parse_file(&std::fs::read_to_string(&path).unwrap()).unwrap());
        let known = fields
            .iter()
            .filter(|field| !SEARCHED.iter().any(|searched| *field == searched));
        for field in known.filter(|field| named.0.contains(&field.to_string())) {
            touched.push(format!("{}: {field}", path.display()));
        }
    }
    assert!(touched.is_empty(), "{touched:#?}");
}
