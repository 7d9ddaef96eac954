//! The invite as a page. It says where the network is and how to get Potok, and lists nothing of what is shared. Whatever
//! an owner has written comes out as text, and there is no script.

use std::fmt;

use hyper::body::Bytes;
use qrcode::QrCode;
use qrcode::render::svg;

/// The one style sheet.
pub(super) const STYLE: &str = include_str!("invite_page.css");

/// What the page says.
pub(super) struct InvitePage<'a> {
    pub(super) network: &'a str,
    pub(super) greeting: &'a [String],
    pub(super) link: String,
    /// The link alone lets nobody in.
    pub(super) is_closed: bool,
}

/// Side of the picture in points of the screen.
const QR_SIDE: u32 = 240;

/// The page in every language.
pub(super) struct Pages {
    english: Bytes,
    bulgarian: Bytes,
}

impl Pages {
    /// The page in the language that a browser likes best of those there are.
    pub(super) fn of(&self, accept_language: &str) -> Bytes {
        if prefers_bulgarian(accept_language) { self.bulgarian.clone() } else { self.english.clone() }
    }
}

impl InvitePage<'_> {
    /// The page in every language.
    pub(super) fn pages(&self) -> Pages {
        Pages { english: self.html(&ENGLISH).into(), bulgarian: self.html(&BULGARIAN).into() }
    }

    fn html(&self, texts: &PageTexts) -> String {
        let greeting: String = self.greeting.iter().map(|line| format!("<p>{}</p>\n", Escaped(line))).collect();
        let qr = QrCode::new(self.link.as_bytes()).map_or_else(
            |_too_long| String::new(),
            |code| {
                let picture = code.render::<svg::Color<'_>>().min_dimensions(QR_SIDE, QR_SIDE).build();
                // It stands in a page, not in a file of its own.
                picture.split_once("?>").map_or(picture.clone(), |(_, svg)| svg.to_owned())
            },
        );
        let closed = if self.is_closed { format!("<p class=\"closed\">{}</p>", texts.closed) } else { String::new() };
        format!(
            include_str!("invite.html"),
            language = texts.language,
            network = Escaped(self.network),
            greeting = greeting,
            qr = qr,
            link = Escaped(&self.link),
            join = texts.join,
            hint = texts.hint,
            closed = closed,
            install = texts.install,
            packages = texts.packages,
            build = texts.build,
        )
    }
}

/// What the page says in one language. It is ours, and HTML as it stands.
struct PageTexts {
    language: &'static str,
    join: &'static str,
    hint: &'static str,
    closed: &'static str,
    install: &'static str,
    packages: &'static str,
    build: &'static str,
}

const ENGLISH: PageTexts = PageTexts {
    language: "en",
    join: "Join with Potok",
    hint: "If nothing opens, copy the link below and paste it into Potok, or point a phone's camera at the picture.",
    closed: "This network is closed: the link alone lets nobody in. Ask its owner for an invite of your own.",
    install: "Install Potok",
    packages: "Potok lets a group of people share files straight from their own computers. Packages are on its page:",
    build: "Or build it yourself:",
};

const BULGARIAN: PageTexts = PageTexts {
    language: "bg",
    join: "Влез с Potok",
    hint: "Ако нищо не се отвори, копирай връзката отдолу и я постави в Potok или насочи камерата на телефона към картинката.",
    closed: "Тази мрежа е затворена: само с връзката не се влиза. Поискай покана от собственика ѝ.",
    install: "Инсталирай Potok",
    packages: "С Potok група хора споделят файлове направо от компютрите си. Пакетите са на страницата му:",
    build: "Или го построй сам:",
};

/// Whether Bulgarian comes before English in `Accept-Language`. Weights are not looked at: browsers send them in order.
fn prefers_bulgarian(accept_language: &str) -> bool {
    let mut languages = accept_language.split(',').map(|language| language.trim().get(..2).unwrap_or_default());
    languages.find_map(|language| match language {
        "bg" => Some(true),
        "en" => Some(false),
        _ => None,
    }) == Some(true)
}

/// Text that is nothing but text in HTML, also in an attribute.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use potok_core::model::shown::Shown;
        for letter in Shown(self.0).to_string().chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => write!(f, "{other}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(network: &str, greeting: &[&str], language: &str) -> String {
        let greeting: Vec<String> = greeting.iter().map(|line| (*line).to_owned()).collect();
        let link = format!("potok://tracker.example.org:7686/?key={}", "0a".repeat(32));
        let pages = InvitePage { network, greeting: &greeting, link, is_closed: true }.pages();
        String::from_utf8(pages.of(language).to_vec()).expect("text")
    }

    #[test]
    fn what_an_owner_has_written_is_text() {
        let evil = "</title><script>alert(1)</script> \" onload='x' {link} %{x} &lt;";
        let html = page(evil, &[evil, "<img src=x onerror=alert(1)>"], "");
        assert!(!html.contains("<script") && !html.contains("<img") && !html.contains("onload='x'"), "{html}");
        assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && html.contains("{link} %{x} &amp;lt;"));
        assert_eq!(html.matches("<title>").count(), 1);
        assert_eq!(html.matches("<svg").count(), 1);
        // The policy forbids styles in the page and scripts of every kind.
        assert!(!html.contains("style=") && !html.contains("javascript:"), "{html}");
    }

    #[test]
    fn a_browser_reads_its_own_language() {
        for (languages, word) in [
            ("", "Install Potok"),
            ("en-GB,en;q=0.9", "Install Potok"),
            ("de, bg;q=0.5, en;q=0.4", "Инсталирай Potok"),
            ("bg-BG", "Инсталирай Potok"),
            ("\u{44f}\u{44f}\u{44f}", "Install Potok"),
        ] {
            assert!(page("Дом", &["Здравей"], languages).contains(word), "{languages}");
        }
    }
}
