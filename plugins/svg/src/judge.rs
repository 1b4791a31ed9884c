//! Judges the parts of a document.

use crate::css::Css;
use crate::doctype;
use crate::elements;
use crate::entities::Entities;
use crate::event::{Attribute, Event, Reader};
use crate::finding::{Finding, Kind, Stop};
use crate::link::{self, Link};
use crate::namespaces::{Namespace, Namespaces, split};
use crate::note::{self, SvgNote};
use crate::settings::{Choice, Settings};

/// What the outermost element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Root {
    Svg,
    Html,
    Other,
}

/// An element and what it is called, as far as it matters.
#[derive(Debug)]
struct Element<'a> {
    name: &'a str,
    /// Its name in lower case and without prefix.
    local: &'a str,
    namespace: Namespace,
}

impl Element<'_> {
    /// Whether a browser knows this element, or might, if the document stood in a web page.
    fn is_known(&self) -> bool {
        matches!(self.namespace, Namespace::Svg | Namespace::Html | Namespace::Undeclared)
    }
}

/// Judges a document.
#[derive(Debug)]
pub(crate) struct Judge {
    settings: Settings,
    entities: Entities,
    namespaces: Namespaces,
    open: Vec<String>,
    root: Option<Root>,
    /// Whether a browser draws this, or a part of it, as SVG.
    is_svg: bool,
    /// What counts as soon as the document turns out to be SVG.
    pending: Option<Finding>,
    has_transformation: bool,
    has_markup: bool,
    elements: u64,
    /// The style being read, and how deep its element is.
    style: Option<(usize, Css)>,
    malformed: Option<&'static str>,
    note: SvgNote,
}

impl Judge {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            entities: Entities::default(),
            namespaces: Namespaces::default(),
            open: Vec::new(),
            root: None,
            is_svg: false,
            pending: None,
            has_transformation: false,
            has_markup: false,
            elements: 0,
            style: None,
            malformed: None,
            note: SvgNote::default(),
        }
    }

    /// Whether a browser draws this, or a part of it, as SVG.
    pub(crate) fn is_svg(&self) -> bool {
        self.is_svg
    }

    /// What is wrong with the document, if something is.
    pub(crate) fn malformed(&self) -> Option<&'static str> {
        self.malformed
    }

    /// The size, if the outermost element is SVG.
    pub(crate) fn note(&self) -> Option<SvgNote> {
        (self.root == Some(Root::Svg)).then_some(self.note)
    }

    /// Ends the document.
    ///
    /// # Errors
    ///
    /// If what is left is refused.
    pub(crate) fn finish(&mut self, is_between: bool) -> Result<(), Stop> {
        if !is_between || !self.open.is_empty() || self.root.is_none() {
            self.malform("it breaks off");
        }
        self.end_style(0)
    }

    pub(crate) fn malform(&mut self, why: &'static str) {
        self.malformed.get_or_insert(why);
    }

    fn choice(&self, kind: Kind) -> Choice {
        match kind {
            Kind::Script | Kind::ScriptLink | Kind::Transformation => self.settings.scripts,
            Kind::AnimatedLink => self.settings.animation_of_links,
            Kind::Handler => self.settings.handlers,
            Kind::ForeignContent => self.settings.foreign_content,
            Kind::External => self.settings.external,
            Kind::Entities => self.settings.entities,
            Kind::TooComplex(_) => Choice::Refuse,
        }
    }

    fn found(&mut self, kind: Kind, subject: &str, within: Option<Namespace>) -> Result<(), Stop> {
        if self.choice(kind) == Choice::Accept {
            return Ok(());
        }
        let finding = Finding::new(kind, subject);
        let runs = matches!(
            kind,
            Kind::Script | Kind::ScriptLink | Kind::AnimatedLink | Kind::Handler
        );
        let is_run = self.root == Some(Root::Other) && matches!(within, Some(Namespace::Svg | Namespace::Html));
        if self.is_svg || (runs && is_run) {
            return Err(Stop::Refuse(finding));
        }
        self.pending.get_or_insert(finding);
        Ok(())
    }

    fn too_complex(&self, message: &'static str) -> Result<(), Stop> {
        // In front of the first element, nothing has this size but what hides something.
        if self.is_svg || self.root.is_none() {
            return Err(Stop::Refuse(Finding::new(Kind::TooComplex(message), "")));
        }
        Err(Stop::TooMuch)
    }

    fn become_svg(&mut self) -> Result<(), Stop> {
        self.is_svg = true;
        match self.pending.take() {
            Some(finding) => Err(Stop::Refuse(finding)),
            None => Ok(()),
        }
    }

    fn start(&mut self, name: &str, attributes: &[Attribute], is_empty: bool) -> Result<(), Stop> {
        self.elements = self.elements.saturating_add(1);
        let depth = self.open.len().saturating_add(1);
        if depth > self.settings.max_depth {
            self.too_complex("the elements of the image are nested too deep")?;
        }
        self.declare(depth, attributes)?;
        let (prefix, local) = split(name);
        let local = &local.to_ascii_lowercase();
        let namespace = self.namespaces.of(prefix);
        let element = Element { name, local, namespace };
        if self.root.is_none() {
            self.begin(&element, attributes)?;
        } else if depth == 1 {
            self.malform("it has more than one root");
        }
        let is_svg = namespace == Namespace::Svg || (local == "svg" && element.is_known());
        if is_svg && !self.is_svg {
            self.become_svg()?;
        }
        if self.is_svg && self.elements > self.settings.max_elements {
            self.too_complex("the image has too many elements")?;
        }
        self.element(&element)?;
        for attribute in attributes {
            self.attribute(&element, attribute)?;
        }
        if is_empty {
            self.namespaces.leave(self.open.len());
            return Ok(());
        }
        if local == "style" && element.is_known() && self.style.is_none() {
            self.style = Some((depth, Css::default()));
        }
        self.open.push(name.to_owned());
        Ok(())
    }

    fn declare(&mut self, depth: usize, attributes: &[Attribute]) -> Result<(), Stop> {
        for attribute in attributes {
            let prefix = match split(&attribute.name) {
                ("", "xmlns") => "",
                ("xmlns", prefix) => prefix,
                _ => continue,
            };
            let value = self.decoded(&attribute.value)?;
            if !self.namespaces.declare(depth, prefix, &value) {
                self.too_complex("the image declares too many namespaces")?;
            }
        }
        Ok(())
    }

    /// Takes the outermost element.
    fn begin(&mut self, element: &Element<'_>, attributes: &[Attribute]) -> Result<(), Stop> {
        let root = match (element.local, element.namespace) {
            // A web page that is no XML.
            ("html", Namespace::Undeclared) => return Err(Stop::NotOurs),
            ("html", Namespace::Html) => Root::Html,
            ("svg", _) => Root::Svg,
            _ => Root::Other,
        };
        self.root = Some(root);
        if self.has_transformation {
            return Err(Stop::Refuse(Finding::new(Kind::Transformation, "xml-stylesheet")));
        }
        // What they hide may be an element of SVG or XHTML.
        if root == Root::Other
            && let Some(finding) = self.pending.take_if(|finding| finding.kind() == Kind::Entities)
        {
            return Err(Stop::Refuse(finding));
        }
        if root == Root::Svg {
            self.become_svg()?;
            for attribute in attributes {
                let value = self.decoded(&attribute.value)?;
                match attribute.name.as_str() {
                    "width" => self.note.width = note::length(&value),
                    "height" => self.note.height = note::length(&value),
                    "viewBox" => self.note.view_box = note::view_box(&value),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn element(&mut self, element: &Element<'_>) -> Result<(), Stop> {
        let (name, local, namespace) = (element.name, element.local, element.namespace);
        if namespace == Namespace::XInclude {
            self.found(Kind::External, name, Some(namespace))?;
        }
        if !element.is_known() {
            return Ok(());
        }
        if elements::is_script(local) {
            self.found(Kind::Script, name, Some(namespace))?;
        }
        let is_of_pages = namespace == Namespace::Html || elements::is_of_pages(local);
        if elements::embeds(local) || (is_of_pages && self.root != Some(Root::Html)) {
            self.found(Kind::ForeignContent, name, Some(namespace))?;
        }
        Ok(())
    }

    fn attribute(&mut self, element: &Element<'_>, attribute: &Attribute) -> Result<(), Stop> {
        let name = attribute.name.as_str();
        let (prefix, local) = split(name);
        if prefix == "xmlns" || name == "xmlns" {
            return Ok(());
        }
        let local = &local.to_ascii_lowercase();
        let within = Some(element.namespace);
        if elements::is_handler(local) {
            self.found(Kind::Handler, name, within)?;
        }
        let value = self.decoded(&attribute.value)?;
        if elements::is_animation(element.local) {
            let (_, target) = split(value.trim());
            let target = target.trim().to_ascii_lowercase();
            let is_link = elements::is_reference(&target) || elements::is_handler(&target);
            if local == "attributename" && is_link {
                self.found(Kind::AnimatedLink, &value, within)?;
            }
            if elements::is_animated_value(local) && link::has_script(&value) {
                self.found(Kind::ScriptLink, name, within)?;
            }
        }
        if elements::is_reference(local) {
            self.reference(element, name, &value)?;
        }
        let is_style = prefix.is_empty() && element.is_known() && may_have_styles(local);
        if is_style && value.contains(['(', '\\', '@']) {
            self.styles(name, &attribute.value, &value, within)?;
        }
        Ok(())
    }

    fn reference(&mut self, element: &Element<'_>, name: &str, value: &str) -> Result<(), Stop> {
        let within = Some(element.namespace);
        let kind = link::judge(value);
        if kind == Link::Script {
            return self.found(Kind::ScriptLink, name, within);
        }
        let is_followed_by_hand = matches!(element.local, "a" | "area" | "form");
        let is_base = name.eq_ignore_ascii_case("xml:base");
        let (prefix, local) = split(name);
        let is_loaded = is_base || local.eq_ignore_ascii_case("href") || prefix.is_empty() && local != "base";
        if !element.is_known() || !is_loaded || is_followed_by_hand && !is_base {
            return Ok(());
        }
        let is_drawn = matches!(element.local, "image" | "feimage" | "img");
        match kind {
            Link::External => self.found(Kind::External, name, within),
            Link::Document | Link::Data if !is_drawn => self.found(Kind::External, name, within),
            _ => Ok(()),
        }
    }

    /// Reads an attribute that may have styles: as XML, which makes spaces of line breaks, and as HTML, which does not.
    fn styles(&mut self, name: &str, raw: &str, value: &str, within: Option<Namespace>) -> Result<(), Stop> {
        let is_break = |character: char| matches!(character, '\n' | '\r' | '\t');
        let spaced = raw.contains(is_break).then(|| raw.replace(is_break, " "));
        let spaced = spaced.map(|raw| self.decoded(&raw)).transpose()?;
        for style in [Some(value), spaced.as_deref()].into_iter().flatten() {
            let mut css = Css::default();
            let found = css.push(style.as_bytes()).or_else(|| css.finish());
            self.found_link(found, name, within)?;
        }
        Ok(())
    }

    fn found_link(&mut self, found: Option<Link>, subject: &str, within: Option<Namespace>) -> Result<(), Stop> {
        match found {
            Some(Link::Script) => self.found(Kind::ScriptLink, subject, within),
            Some(_) => self.found(Kind::External, subject, within),
            None => Ok(()),
        }
    }

    fn decoded(&self, value: &str) -> Result<String, Stop> {
        let most = usize::try_from(self.settings.max_attribute).unwrap_or(usize::MAX);
        match self.entities.decode(value, most.saturating_mul(2)) {
            Some(value) => Ok(value),
            None => self
                .too_complex("an attribute in the image is too long")
                .map(|()| String::new()),
        }
    }

    fn end(&mut self, name: &str) -> Result<(), Stop> {
        let at = self.open.iter().rposition(|open| open == name);
        if at.is_none_or(|at| at.saturating_add(1) != self.open.len()) {
            self.malform("its tags do not match");
        }
        if let Some(at) = at {
            self.open.truncate(at);
            self.namespaces.leave(at);
            self.end_style(at)?;
        }
        Ok(())
    }

    /// Ends the style, if its element is deeper than this.
    fn end_style(&mut self, depth: usize) -> Result<(), Stop> {
        let Some((_, mut css)) = self.style.take_if(|(at, _)| *at > depth) else {
            return Ok(());
        };
        let found = css.finish();
        self.found_link(found, "style", None)
    }

    fn text(&mut self, text: &[u8]) -> Result<(), Stop> {
        if self.open.is_empty() && text.iter().any(|byte| !byte.is_ascii_whitespace()) {
            if !self.has_markup {
                return Err(Stop::NotOurs);
            }
            self.malform("it has text outside of its root");
        }
        let found = self.style.as_mut().and_then(|(_, css)| css.push(text));
        self.found_link(found, "style", None)
    }

    fn instruction(&mut self, instruction: &[u8]) -> Result<(), Stop> {
        let Some(rest) = instruction.strip_prefix(b"xml-stylesheet") else {
            return Ok(());
        };
        let rest = String::from_utf8_lossy(rest);
        let kind = self.decoded(&pseudo_attribute(&rest, "type"))?;
        if !kind.trim().eq_ignore_ascii_case("text/css") {
            self.has_transformation |= self.settings.scripts == Choice::Refuse && self.root.is_none();
            return self.found(Kind::Transformation, "xml-stylesheet", None);
        }
        let place = self.decoded(&pseudo_attribute(&rest, "href"))?;
        if place.trim_start().starts_with('#') {
            return Ok(());
        }
        self.found(Kind::External, "xml-stylesheet", None)
    }

    fn document_type(&mut self, declaration: &[u8]) -> Result<(), Stop> {
        if self.root.is_some() {
            self.malform("its document type is not in front");
        }
        let declaration = String::from_utf8_lossy(declaration);
        for finding in doctype::read(&declaration, &mut self.entities) {
            if self.is_svg && self.choice(finding.kind()) == Choice::Refuse {
                return Err(Stop::Refuse(finding));
            }
            if self.choice(finding.kind()) == Choice::Refuse {
                // These count in other documents, too.
                if finding.kind() == Kind::Entities {
                    self.pending = Some(finding);
                } else {
                    self.pending.get_or_insert(finding);
                }
            }
        }
        Ok(())
    }
}

impl Reader for Judge {
    fn read(&mut self, event: Event<'_>) -> Result<(), Stop> {
        match event {
            Event::Text(text) => return self.text(text),
            Event::Reference(name) => {
                let text = self.entities.resolve(name).unwrap_or_else(|| format!("&{name}"));
                return self.text(text.as_bytes());
            }
            _ => self.has_markup = true,
        }
        match event {
            Event::Start {
                name,
                attributes,
                is_empty,
            } => self.start(name, attributes, is_empty),
            Event::End(name) => self.end(name),
            Event::Instruction(instruction) => self.instruction(instruction),
            Event::DocumentType(declaration) => self.document_type(declaration),
            Event::Malformed(why) => {
                self.malform(why);
                Ok(())
            }
            Event::TooComplex(message) => self.too_complex(message),
            Event::Text(_) | Event::Reference(_) => Ok(()),
        }
    }
}

/// Whether an attribute may have styles in it, by its name in lower case.
fn may_have_styles(name: &str) -> bool {
    let is_other = matches!(
        name,
        "d" | "points" | "id" | "class" | "href" | "src" | "title" | "alt" | "content" | "transform"
    );
    !is_other && !name.starts_with("data-") && !name.starts_with("aria-")
}

/// The value that an instruction has under a name.
fn pseudo_attribute(instruction: &str, name: &str) -> String {
    let mut rest = instruction;
    while let Some((before, behind)) = rest.split_once('=') {
        let behind = behind.trim_start();
        let quote = behind.chars().next().filter(|quote| matches!(quote, '"' | '\''));
        let value = quote.and_then(|quote| behind.strip_prefix(quote)?.split_once(quote));
        let Some((value, behind)) = value else {
            break;
        };
        if before.trim() == name {
            return value.to_owned();
        }
        rest = behind;
    }
    String::new()
}
