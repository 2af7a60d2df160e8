//! The layout of an e-mail, as plain text and as HTML.

/// The parts of an e-mail. None is escaped yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// As a BCP 47 tag.
    pub language: &'static str,
    pub subject: String,
    pub greeting: String,
    pub paragraphs: Vec<String>,
    pub rows: Vec<Row>,
    pub closing: &'static str,
}

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub label: String,
    pub amount: String,
}

impl Layout {
    /// Renders plain text, with the line breaks of RFC 5322.
    pub fn text(&self) -> String {
        let mut text = format!("{}\r\n", self.greeting);
        for paragraph in &self.paragraphs {
            text.extend(["\r\n", paragraph, "\r\n"]);
        }
        if !self.rows.is_empty() {
            text.push_str("\r\n");
        }
        for row in &self.rows {
            text.extend([&*row.label, ": ", &*row.amount, "\r\n"]);
        }
        text.extend(["\r\n-- \r\n", self.closing, "\r\n"]);
        text
    }

    /// Renders HTML. Styles are inline, since many e-mail clients drop all others.
    pub fn html(&self) -> String {
        let mut html = format!(
            "<!DOCTYPE html>\r\n<html lang=\"{}\">\r\n<head><meta charset=\"utf-8\"><title>{}</title></head>\r\n\
             <body style=\"font-family: sans-serif; color: #222; max-width: 40em\">\r\n<p>{}</p>\r\n",
            self.language,
            escaped(&self.subject),
            escaped(&self.greeting)
        );
        for paragraph in &self.paragraphs {
            html.extend(["<p>", &escaped(paragraph), "</p>\r\n"]);
        }
        if !self.rows.is_empty() {
            html.push_str("<table style=\"border-collapse: collapse\">\r\n");
            for row in &self.rows {
                html.extend([
                    "<tr><td style=\"padding: 0.2em 1em 0.2em 0\">",
                    &escaped(&row.label),
                    "</td><td style=\"text-align: right\">",
                    &escaped(&row.amount),
                    "</td></tr>\r\n",
                ]);
            }
            html.push_str("</table>\r\n");
        }
        html.extend([
            "<p style=\"color: #666; font-size: 0.85em\">",
            &escaped(self.closing),
            "</p>\r\n</body>\r\n</html>\r\n",
        ]);
        html
    }
}

/// Escapes text for elements and quoted attributes.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            char => escaped.push(char),
        }
    }
    escaped
}
