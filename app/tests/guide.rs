//! `docs/guide`: its links lead somewhere, its commands exist, and what it calls by name in the window is there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Parser;
use potok_app::args::Args;
use potok_app::command_line::dialect::Dialect;
use potok_app::command_line::{self, commands};
use potok_app::texts::LANGUAGES;

/// A page of the guide: where it is, and its text.
struct Page {
    path: PathBuf,
    text: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn pages(language: &str) -> Vec<Page> {
    let folder = root().join("docs/guide").join(language);
    let entries = std::fs::read_dir(folder).expect("a folder for each language");
    let read = |path: PathBuf| Page { text: std::fs::read_to_string(&path).expect("text"), path };
    let mut pages: Vec<Page> = entries.map(|entry| read(entry.expect("an entry").path())).collect();
    pages.sort_by(|a, b| a.path.cmp(&b.path));
    pages
}

/// What stands between these two, as often as it does.
fn between<'a>(text: &'a str, open: &'a str, close: &'a str) -> impl Iterator<Item = &'a str> {
    text.match_indices(open).filter_map(move |(at, _)| text[at + open.len()..].split(close).next())
}

/// The text without its blocks of commands.
fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

#[test]
fn both_languages_have_the_same_pages() {
    let names = |language: &str| -> Vec<_> {
        pages(language).iter().map(|page| page.path.file_name().expect("a name").to_owned()).collect()
    };
    assert_eq!(names("en"), names("bg"));
    let headings = |page: &Page| page.text.lines().filter(|line| line.starts_with('#')).count();
    let pictures = |page: &Page| page.text.matches("![").count();
    for (en, bg) in pages("en").iter().zip(pages("bg")) {
        let of = |page| (headings(page), pictures(page));
        assert_eq!(of(en), of(&bg), "{}", en.path.display());
    }
}

#[test]
fn every_link_and_picture_is_there() {
    let contents = root().join("docs/guide/README.md");
    let contents = Page { text: std::fs::read_to_string(&contents).expect("text"), path: contents };
    let mut seen = 0;
    for page in LANGUAGES.iter().flat_map(|language| pages(language)).chain([contents]) {
        for link in between(&page.text, "](", ")").filter(|link| !link.starts_with("https://")) {
            seen += 1;
            let to = page.path.parent().expect("a folder").join(link);
            assert!(to.is_file(), "{}: {link}", page.path.display());
        }
    }
    assert!(seen > 40, "the search itself is broken: {seen}");
}

#[test]
fn every_command_is_one() {
    let tracker = std::fs::read_to_string(root().join("tracker-bin/src/args.rs")).expect("text");
    let mut seen = 0;
    for page in LANGUAGES.iter().flat_map(|language| pages(language)) {
        let where_ = page.path.display();
        let lines = page.text.split("```console").skip(1).filter_map(|block| block.split("```").next());
        for line in lines.flat_map(str::lines).filter(|line| !line.is_empty()) {
            seen += 1;
            if let Some(command) = line.strip_prefix("> ") {
                command_line::parse_in(Dialect::Unix, command, Path::new("/here")).expect(line).expect(line);
                continue;
            }
            let words: Vec<&str> = line.strip_prefix("$ ").expect(line).split(' ').collect();
            match words[0] {
                "potok" => drop(Args::try_parse_from(words).expect(line)),
                "potok-tracker" => {
                    let options = words.iter().filter_map(|word| word.strip_prefix("--"));
                    options.for_each(|option| assert!(tracker.contains(&option.replace('-', "_")), "{where_}: {line}"));
                }
                "sudo" | "journalctl" => {}
                other => panic!("{where_}: {other}"),
            }
        }
        // `register "C:\…"` in a sentence.
        let prose = prose(&page.text);
        for code in prose.split('`').skip(1).step_by(2) {
            let verb = code.split(' ').next().unwrap_or_default();
            if code.contains(' ') && commands::find(verb).is_some() {
                seen += 1;
                command_line::parse_in(Dialect::Windows, code, Path::new("/here")).expect(code);
            }
        }
    }
    assert!(seen >= 16, "the search itself is broken: {seen}");
}

/// What is bold is a word of the window; a sentence that is bold ends in a dot, as in a list of what to know.
#[test]
fn what_the_guide_calls_by_name_is_in_the_window() {
    for language in LANGUAGES {
        let file = root().join(format!("assets/translations/{language}.yml"));
        let translations = std::fs::read_to_string(file).expect("text");
        let words: BTreeSet<&str> = between(&translations, ": \"", "\"\n").collect();
        let mut seen = 0;
        for page in pages(language) {
            for bold in prose(&page.text).split("**").skip(1).step_by(2) {
                let is_sentence = bold.ends_with(['.', ':', ',', ';', '?']);
                // Plain emphasis is a single word in small letters.
                let is_stress = !bold.contains(' ') && bold.chars().all(|c| c.is_lowercase());
                if is_sentence || is_stress || bold.chars().any(|c| c == '\n') {
                    continue;
                }
                seen += 1;
                let has = words.contains(bold) || words.iter().any(|text| text.starts_with(&format!("{bold}:")));
                assert!(has, "{}: {bold}", page.path.display());
            }
        }
        assert!(seen > 30, "the search itself is broken: {seen}");
    }
}
