//! A product page as HTML: markdown to markup, then a template with everything else escaped.

use std::sync::{Arc, LazyLock};

use minijinja::{
    AutoEscape, Environment, context,
    value::{Serde, Value},
};
use pulldown_cmark::{Event, Options, Parser, html};

use super::catalogue::Product;

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    templates.set_auto_escape_callback(|_| AutoEscape::Html);
    templates.add_filter("money", money);
    templates.add_filter("markdown", markdown);
    templates
        .add_template("page.html", include_str!("page.html"))
        .expect("the template is part of the program");
    templates
});

/// Renders the page of a product.
pub(crate) fn render(id: u64) -> Arc<str> {
    let product = Product::find(id);
    let related = product.related();
    let tiers: Vec<(u64, u64)> = [(1, 100), (5, 95), (10, 90), (50, 80)]
        .map(|(n, percent)| (n, product.cents * percent / 100))
        .into();
    TEMPLATES
        .get_template("page.html")
        .and_then(|page| {
            page.render(context! { product => Serde(product), related => Serde(related), tiers })
        })
        .expect("the template names only what it is given")
        .into()
}

fn money(cents: u64) -> String {
    format!("{}.{:02} €", cents / 100, cents % 100)
}

/// Markdown to safe markup: raw HTML in it is shown, not obeyed.
fn markdown(text: &str) -> Value {
    let events = Parser::new_ext(text, Options::ENABLE_STRIKETHROUGH).map(|event| match event {
        Event::Html(markup) | Event::InlineHtml(markup) => Event::Text(markup),
        other => other,
    });
    let mut markup = String::with_capacity(text.len() * 2);
    html::push_html(&mut markup, events);
    Value::from_safe_string(markup)
}
