//! All verbs: what is written is read back, and what is wrong is named.

use super::*;
use crate::model::file_kind::FileKind;
use crate::model::hash::ContentHash;
use crate::model::port::PeerPort;
use crate::model::share::Share;
use crate::model::share_path::SharePath;
use crate::protocol::selection::Selection;

macro_rules! examples {
    ($($module:ident::$verb:ident),+ $(,)?) => {
        [$(($verb::NAME, $verb::EXAMPLES)),+]
    };
}

#[test]
fn what_is_written_is_read_back() {
    for (verb, examples) in each_verb!(examples) {
        assert!(!examples.is_empty(), "{verb} has no example");
        for line in examples {
            let command = Command::parse(line).expect(line);
            assert_eq!(command.to_string(), *line);
            assert_eq!(line.split(' ').next(), Some(verb));
        }
    }
}

#[test]
fn fields_are_what_was_written() {
    let anna = Username::new("anna").expect("valid");
    let path = |p: &str| SharePath::new(p).expect(p);
    let page = Page { after: Some(Cursor { path: "a b".into(), username: "x".into() }), limit: Some(7) };
    let selection = Selection {
        words: vec!["two words".into(), "limit=5".into(), String::new()],
        username: Some(anna.clone()),
        kind: Some(FileKind::Picture),
        size_min: Some(0),
        folder: Some(path("Trip \"1\"/a=b")),
    };
    let no_folder = Selection { folder: None, ..selection.clone() };
    let shares = vec![
        Share { path: path("a, \"b\"\\.txt"), size: Some(120), hash: Some(ContentHash::from_bytes([3; 32])) },
        Share { path: path("x y"), size: None, hash: None },
    ];
    let commands: Vec<Command> = vec![
        RegisterUser { username: anna.clone(), port: Some(PeerPort::new(4001).expect("valid")), token: None }.into(),
        RegisterFiles { username: anna.clone(), shares }.into(),
        ListFiles { username: Some(anna), page: Page::default() }.into(),
        ListFolder { folder: Some(path("limit=5, x")), selection: no_folder, page: page.clone() }.into(),
        Search { selection: selection.clone(), page: page.clone() }.into(),
        CountFiles { selection }.into(),
        Sources { hash: ContentHash::from_bytes([1; 32]), page }.into(),
    ];
    for command in &commands {
        assert_eq!(Command::parse(&command.to_string()).as_ref(), Ok(command), "{command}");
    }
}

#[test]
fn verbs_say_their_own_form() {
    for (verb, usage) in VERBS {
        assert!(usage.strip_prefix(verb).is_some_and(|rest| rest.starts_with([' ', ':'])), "{usage}");
        assert!(!usage.contains('\n') && !verb.contains(|c: char| !c.is_ascii_lowercase() && c != '-'), "{usage}");
    }
}

#[test]
fn a_refused_list_still_names_its_user() {
    for (line, expected) in [
        ("register-files anna ../x", Some("anna")),
        ("UNREGISTER-FILES anna", Some("anna")),
        ("register-files", None),
        ("register-files a\"b x", None),
        ("register-user anna 1", None),
        ("hello anna", None),
        ("", None),
    ] {
        assert_eq!(named_user(line).as_ref().map(Username::as_str), expected, "{line}");
    }
}

#[test]
fn says_what_would_be_right() {
    for (line, code) in [
        ("", Code::UnknownCommand),
        ("hello", Code::UnknownCommand),
        ("register-user", Code::Usage),
        ("REGISTER-FILES anna ../x", Code::BadPath),
        ("unregister-files anna \"a\" size=1", Code::Usage),
        ("list-users anna", Code::Usage),
        ("list-users kind=audio", Code::Usage),
        ("count-files limit=5", Code::Usage),
        ("sources 12", Code::Usage),
        ("help a b", Code::Usage),
        ("ping now", Code::Usage),
        ("watch \"", Code::Usage),
    ] {
        let refusal = Command::parse(line).expect_err(line);
        assert_eq!(refusal.code, code, "{line}: {refusal}");
        assert!(!refusal.text.is_empty() && !refusal.text.contains('\n'));
    }
}

proptest::proptest! {
    #[test]
    fn any_line_is_read_or_refused(line in "\\PC{0,100}") {
        if let Ok(command) = Command::parse(&line) {
            proptest::prop_assert_eq!(Command::parse(&command.to_string()), Ok(command));
        }
    }

    #[test]
    fn any_arguments_are_read_or_refused(
        verb in "search|count-files|list-folder|list-totals|list-files",
        arguments in "( |a|user=|kind=audio|min-size=1|in=|after=|limit=|\"a b\"|\"|=|,){0,8}",
    ) {
        let line = format!("{verb} {arguments}");
        if let Ok(command) = Command::parse(&line) {
            proptest::prop_assert_eq!(Command::parse(&command.to_string()), Ok(command));
        }
    }
}
