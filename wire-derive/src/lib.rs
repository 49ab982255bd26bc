//! `#[derive(Element)]`: a wire element declared once, read and written from that declaration.
//!
//! ```text
//! #[derive(Element)]
//! #[xml(SSMA, "source")]                                      // namespace (a constant of `ns.rs`), name
//! pub struct Source {
//!     #[attr] pub ssrc: Ssrc,                                 // must be there; `Option` if it need not
//!     #[attr("videoType")] pub video_type: Option<VideoType>, // another name than the field's in kebab-case
//!     #[attr("senders", Senders::Both)] pub senders: Senders, // what it is when absent; always written
//!     #[switch] pub create: bool,                             // boolean attribute, written only when true
//!     #[flag] pub rtcp_mux: bool,                             // `<rtcp-mux/>`; `#[flag(NS, "name")]` elsewhere
//!     #[leaf("SourceInfo")] pub info: Option<String>,         // `<SourceInfo>text</SourceInfo>`
//!     #[text] pub value: String,                              // the element's own text
//!     pub parameters: Vec<Parameter>,                         // no mark: child elements, plain `T` is required
//!     #[others] pub others: Vec<Raw>,                         // the children that no field took
//! }
//! ```
//!
//! An enum of one-field variants reads as the first variant that recognises the element. `#[xml(NS, "name", skip_empty)]`
//! takes empty attribute values for absent ones. The macro never looks at a field's type: the traits of `wire::xml` do,
//! so that a wrong type is an error at the field. Attributes are written before children wherever they are declared.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Attribute, Data, DataEnum, DeriveInput, Error, Expr, Field, Fields, Ident, LitStr, Path, Result, Token};

#[proc_macro_derive(Element, attributes(xml, attr, switch, flag, leaf, text, others))]
pub fn element(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = syn::parse_macro_input!(input as DeriveInput);
    let code = match &input.data {
        Data::Struct(data) => derive_struct(&input, &data.fields),
        Data::Enum(data) => derive_enum(&input, data),
        Data::Union(_) => Err(Error::new(input.span(), "an element is a struct or an enum")),
    };
    code.unwrap_or_else(Error::into_compile_error).into()
}

/// `NS, "name"` or `NS, "name", skip_empty` of `#[xml(…)]`.
struct Head {
    namespace: Path,
    name: LitStr,
    skip_empty: bool,
}

impl Parse for Head {
    fn parse(input: ParseStream) -> Result<Self> {
        let namespace = input.parse()?;
        input.parse::<Token![,]>()?;
        let name = input.parse()?;
        let mut skip_empty = false;
        if input.parse::<Option<Token![,]>>()?.is_some() {
            let option: Ident = input.parse()?;
            if option != "skip_empty" {
                return Err(Error::new(option.span(), "expected `skip_empty`"));
            }
            skip_empty = true;
        }
        Ok(Head { namespace, name, skip_empty })
    }
}

/// `"name"`, `"name", default` or `NS, "name"` of a field's mark.
#[derive(Default)]
struct Mark {
    namespace: Option<Path>,
    name: Option<LitStr>,
    default: Option<Expr>,
}

impl Parse for Mark {
    fn parse(input: ParseStream) -> Result<Self> {
        let mut mark = Mark::default();
        if !input.peek(LitStr) {
            mark.namespace = Some(input.parse()?);
            input.parse::<Token![,]>()?;
        }
        mark.name = Some(input.parse()?);
        if input.parse::<Option<Token![,]>>()?.is_some() {
            mark.default = Some(input.parse()?);
        }
        Ok(mark)
    }
}

const KINDS: [&str; 6] = ["attr", "switch", "flag", "leaf", "text", "others"];

/// The kind of a field and what its mark says; `child` when it has none.
fn mark_of(field: &Field) -> Result<(&'static str, Mark)> {
    let mut found: Option<(&'static str, &Attribute)> = None;
    for attribute in &field.attrs {
        let Some(kind) = KINDS.iter().find(|kind| attribute.path().is_ident(kind)) else { continue };
        if found.replace((kind, attribute)).is_some() {
            return Err(Error::new(attribute.span(), "a field has one mark"));
        }
    }
    let Some((kind, attribute)) = found else { return Ok(("child", Mark::default())) };
    let mark = match &attribute.meta {
        syn::Meta::Path(_) => Mark::default(),
        _ => attribute.parse_args()?,
    };
    let allowed = match kind {
        "attr" => mark.namespace.is_none(),
        "switch" => mark.namespace.is_none() && mark.default.is_none(),
        "flag" | "leaf" => mark.default.is_none(),
        _ => mark.name.is_none(),
    };
    if !allowed {
        return Err(Error::new(attribute.span(), format!("`#[{kind}]` does not take that")));
    }
    Ok((kind, mark))
}

fn derive_struct(input: &DeriveInput, fields: &Fields) -> Result<TokenStream> {
    let ident = &input.ident;
    let Some(xml) = input.attrs.iter().find(|a| a.path().is_ident("xml")) else {
        return Err(Error::new(ident.span(), "say which element it is: `#[xml(NAMESPACE, \"name\")]`"));
    };
    let Head { namespace, name, skip_empty } = xml.parse_args()?;
    if !matches!(fields, Fields::Named(_)) {
        return Err(Error::new(ident.span(), "an element's fields have names; one without content is `{}`"));
    }
    let attribute = if skip_empty { format_ident!("filled_attribute") } else { format_ident!("attribute") };

    let mut reads = Vec::new();
    let mut attributes = Vec::new();
    let mut children = Vec::new();
    // Each child is offered to the fields in their order, until one takes it: its slot, and how it takes.
    let mut slots = Vec::new();
    let mut offers = Vec::new();
    let mut others = None;
    for field in fields {
        let (kind, mark) = mark_of(field)?;
        let span = field.ty.span();
        let ty = &field.ty;
        let var = field.ident.as_ref().expect("named fields, checked above");
        let wire = mark.name.map_or_else(|| var.to_string().replace('_', "-"), |name| name.value());
        let ns = mark.namespace.unwrap_or_else(|| namespace.clone());
        let slot = format_ident!("slot_{var}");
        match kind {
            "attr" => {
                let read = quote_spanned! {span=> xml::Attr::read(node, #wire, node.#attribute(#wire)) };
                reads.push(match mark.default {
                    None => quote! { #var: #read? },
                    Some(default) => {
                        let read = quote_spanned! {span=> <Option<_> as xml::Attr>::read(node, #wire, node.#attribute(#wire)) };
                        quote! { #var: match #read? { Some(value) => value, None => #default } }
                    },
                });
                attributes.push(quote_spanned! {span=> xml::Attr::write(&self.#var, #wire, w); });
            }
            "switch" => {
                reads.push(quote_spanned! {span=> #var: node.switch(#wire) });
                attributes.push(quote_spanned! {span=> w.switch(#wire, self.#var); });
            }
            "flag" => {
                slots.push(quote! { let mut #slot = false; });
                offers.push(quote_spanned! {span=> if child.is(#ns, #wire) { #slot = true; continue; } });
                reads.push(quote_spanned! {span=> #var: #slot });
                children.push(quote_spanned! {span=> w.flag(#ns, #wire, self.#var); });
            }
            "leaf" => {
                slots.push(quote_spanned! {span=> let mut #slot = <#ty as xml::Leaf>::Slot::default(); });
                offers.push(quote_spanned! {span=>
                    if child.is(#ns, #wire) {
                        <#ty as xml::Leaf>::take(&mut #slot, child)?;
                        continue;
                    }
                });
                reads.push(quote_spanned! {span=> #var: xml::Leaf::finish(#slot, node, #wire)? });
                children.push(quote_spanned! {span=> xml::Leaf::write(&self.#var, #ns, #wire, w); });
            }
            "text" => {
                reads.push(quote_spanned! {span=> #var: xml::read_text(node)? });
                children.push(quote_spanned! {span=> w.text(&self.#var); });
            }
            "others" => {
                if others.replace(quote_spanned! {span=> xml::keep(&mut #slot, child); }).is_some() {
                    return Err(Error::new(span, "one field takes what is left"));
                }
                slots.push(quote_spanned! {span=> let mut #slot = Vec::<xml::Raw>::new(); });
                reads.push(quote_spanned! {span=> #var: #slot });
                children.push(quote_spanned! {span=> xml::Child::write(&self.#var, w); });
            }
            _ => {
                slots.push(quote_spanned! {span=> let mut #slot = <#ty as xml::Child>::Slot::default(); });
                offers.push(quote_spanned! {span=>
                    if <#ty as xml::Child>::offer(&mut #slot, child)? {
                        continue;
                    }
                });
                reads.push(quote_spanned! {span=> #var: xml::Child::finish(#slot, node)? });
                children.push(quote_spanned! {span=> xml::Child::write(&self.#var, w); });
            }
        }
    }
    let offers = if slots.is_empty() {
        quote! {}
    } else {
        quote! {
            for child in node.children() {
                #(#offers)*
                #others
            }
        }
    };
    Ok(quote! {
        const _: () = {
            use ::jicofo::wire::xml;
            impl xml::Element for #ident {
                fn is(node: xml::Node<'_, '_>) -> bool {
                    node.is(#namespace, #name)
                }
                #[allow(unused_variables)]
                fn read(node: xml::Node<'_, '_>) -> ::core::result::Result<Self, xml::Error> {
                    #(#slots)*
                    #offers
                    Ok(Self { #(#reads,)* })
                }
                fn write(&self, w: &mut xml::Writer<'_>) {
                    let parent = w.start(#namespace, #name);
                    #(#attributes)*
                    #(#children)*
                    w.end(#name, parent);
                }
            }
        };
    })
}

fn derive_enum(input: &DeriveInput, data: &DataEnum) -> Result<TokenStream> {
    let ident = &input.ident;
    let mut tests = Vec::new();
    let mut reads = Vec::new();
    let mut writes = Vec::new();
    for variant in &data.variants {
        let name = &variant.ident;
        let Fields::Unnamed(fields) = &variant.fields else {
            return Err(Error::new(variant.span(), "a variant holds one element: `Name(Element)`"));
        };
        if fields.unnamed.len() != 1 {
            return Err(Error::new(variant.span(), "a variant holds one element: `Name(Element)`"));
        }
        let ty = &fields.unnamed[0].ty;
        let span = ty.span();
        tests.push(quote_spanned! {span=> <#ty as xml::Element>::is(node) });
        reads.push(quote_spanned! {span=>
            if <#ty as xml::Element>::is(node) {
                return Ok(Self::#name(xml::Element::read(node)?));
            }
        });
        writes.push(quote_spanned! {span=> Self::#name(element) => xml::Element::write(element, w), });
    }
    Ok(quote! {
        const _: () = {
            use ::jicofo::wire::xml;
            impl xml::Element for #ident {
                fn is(node: xml::Node<'_, '_>) -> bool {
                    #(if #tests { return true; })*
                    false
                }
                fn read(node: xml::Node<'_, '_>) -> ::core::result::Result<Self, xml::Error> {
                    #(#reads)*
                    Err(node.unexpected())
                }
                fn write(&self, w: &mut xml::Writer<'_>) {
                    match self { #(#writes)* }
                }
            }
        };
    })
}
