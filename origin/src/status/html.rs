//! Text that cannot become markup: what is written is a fixed template, and whatever is put into it is escaped.

use std::fmt::{self, Display, Write};

/// A piece of a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Html(String);

impl Html {
    /// Adds `template` with each `{}` in it replaced by the next of `values`, escaped. Further values are left out.
    pub(super) fn put(&mut self, template: &'static str, values: &[&dyn Display]) {
        let mut values = values.iter();
        for (index, part) in template.split("{}").enumerate() {
            if index > 0
                && let Some(value) = values.next()
            {
                // Writing to a string cannot fail, and a value that cannot be shown is left out.
                let _ = write!(Escaping(&mut self.0), "{value}");
            }
            self.0.push_str(part);
        }
    }

    /// Adds another piece as it is.
    pub(super) fn append(&mut self, other: &Self) {
        self.0.push_str(&other.0);
    }

    /// The document.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

/// Writes what stands for itself everywhere, in text and in quoted attributes.
struct Escaping<'a>(&'a mut String);

impl Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                c => self.0.push(c),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_put_into_a_template_is_text() {
        let mut html = Html::default();
        html.put("<a href=\"{}\">{}</a>", &[&"x\" onload='y'", &"<b>&{}</b>"]);
        html.put(" {} {}.", &[&1.5]);
        assert_eq!(
            html.into_string(),
            "<a href=\"x&quot; onload=&#39;y&#39;\">&lt;b&gt;&amp;{}&lt;/b&gt;</a> 1.5 ."
        );
    }
}
