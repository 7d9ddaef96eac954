//! What is offered, by what is known.

use super::*;

fn completer(answers: &[(Want, &[&str])]) -> LineCompleter {
    let (_, completer, _) = pair(PathBuf::from("/nowhere"));
    for (want, words) in answers {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        completer.known.put(want.clone(), words.into());
    }
    completer
}

fn offered(completer: &LineCompleter, line: &str) -> Vec<String> {
    let apply = |s: Suggestion| format!("{}{}", &line[..s.span.start], s.value);
    completer.suggestions(line).into_iter().map(apply).collect()
}

#[test]
fn offers_what_fits_the_place() {
    let ivan = |folder: &str| Want::Folder { user: "ivan".into(), folder: folder.into() };
    let completer = completer(&[
        (Want::Users, &["anna", "ivan"]),
        (ivan(""), &["Trip 1/", "list.txt"]),
        (ivan("Trip 1"), &["Trip 1/a.jpg", "Trip 1/b c.jpg", "Trip 1/c/", "Trip 1/a 10", "Trip 1/a 9"]),
        (Want::MyShares, &["a, b.txt", "my file.txt"]),
        (Want::Transfers, &["3", "12"]),
    ]);
    for (line, expected) in [
        ("li", &["list-users", "list-files", "limits"][..]),
        (" LIST-U", &[" list-users"]),
        ("list-files I", &["list-files ivan"]),
        ("download ", &["download anna", "download ivan"]),
        ("download ivan ", &["download ivan \"Trip 1/", "download ivan list.txt"]),
        ("download ivan \"tr", &["download ivan \"Trip 1/"]),
        (
            "download ivan \"Trip 1/",
            &[
                "download ivan \"Trip 1/a 9\"",
                "download ivan \"Trip 1/a 10\"",
                "download ivan \"Trip 1/a.jpg\"",
                "download ivan \"Trip 1/b c.jpg\"",
                "download ivan \"Trip 1/c/",
            ],
        ),
        ("unregister my f", &["unregister my file.txt"]),
        ("unregister my file.txt, a", &["unregister my file.txt, \"a, b.txt\""]),
        ("pause ", &["pause 3", "pause 12", "pause all"]),
        ("help statu", &["help status"]),
        ("whoami ", &[]),
        ("nonsense ", &[]),
        ("download a b c d", &[]),
    ] {
        assert_eq!(offered(&completer, line), expected, "{line}");
    }
}

#[test]
fn offers_files_of_this_computer() {
    let folder = tempfile::tempdir().expect("temporary folder");
    std::fs::create_dir(folder.path().join("sub dir")).expect("created");
    for name in ["a.txt", ".hidden", "sub dir/x, y.txt"] {
        std::fs::write(folder.path().join(name), "").expect("written");
    }
    let (_, completer, _) = pair(folder.path().to_owned());
    assert_eq!(offered(&completer, "register "), ["register a.txt", "register sub dir/"]);
    assert_eq!(offered(&completer, "register sub dir/"), ["register \"sub dir/x, y.txt\""]);
    assert_eq!(offered(&completer, "download ivan x s"), ["download ivan x \"sub dir/"]);
    assert_eq!(offered(&completer, "register .h"), ["register .hidden"]);
}

#[test]
fn asks_for_what_it_does_not_know() {
    let (_, completer, wants) = pair(PathBuf::new());
    assert!(completer.suggestions("list-files ").is_empty());
    assert_eq!(wants.try_recv(), Ok(Want::Users));
}

#[test]
fn of_a_folder_with_very_many_files_what_begins_like_the_word_is_asked_for() {
    let wants = folders_of("download anna \"Album/IMG_09").expect("a path");
    let intents: Vec<Intent> = wants.iter().filter_map(Want::intent).collect();
    let [Intent::ListFolder { folder, page: whole, .. }, Intent::ListFolder { page: from, .. }] = &*intents else {
        panic!("{intents:?}")
    };
    assert_eq!(folder.as_ref().map(SharePath::as_str), Some("Album"));
    assert_eq!((whole.after.as_ref(), from.after.as_ref()), (None, Some(&Cursor::before("Album/IMG_09"))));
    assert!([whole, from].iter().all(|page| page.limit.is_some_and(|limit| limit <= LEVEL_LINES)));
    assert_eq!(folders_of("download an"), None);
    assert_eq!(folders_of("pause "), None);
    let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
    let [folder, rest] = wants;
    let cut = CompletionAnswer { words: words(&["Album/IMG_00001"]), is_cut: true };
    let completer = LineCompleter::knowing(PathBuf::new(), [(folder, cut), (rest, words(&["Album/IMG_09001"]).into())]);
    assert_eq!(offered(&completer, "download anna Album/IMG_09"), ["download anna Album/IMG_09001"]);
}

#[test]
fn a_path_of_windows_is_completed_as_it_is_typed() {
    let of = |typed| LastWord::of(Dialect::Windows, typed, true);
    let word = of(r#"a, "C:\my files\S"#);
    assert_eq!((word.start, word.typed.as_str()), (3, r"C:\my files\S"));
    assert_eq!(word.write(Dialect::Windows, r"C:\my files\Sea/", true, true), r#""C:\my files\Sea/"#);
    assert_eq!(of(r#""C:\my files\", D:\x"#).typed, r"D:\x");
    assert_eq!(of(r#""a ""b"" c"#).typed, r#"a "b" c"#);
    let word = LastWord::of(Dialect::Unix, r#""C:\\x\"a"#, true);
    assert_eq!(word.typed, r#"C:\x"a"#);
}

proptest::proptest! {
    #[test]
    fn any_line_is_cut_into_words(line in "[\"\\\\, aЖİ/~]{0,12}", is_list: bool) {
        let paths = ["aЖ/x", "İ/a", "a, a"].map(str::to_owned);
        for (at, _) in line.char_indices() {
            for dialect in [Dialect::Unix, Dialect::Windows] {
                let word = LastWord::of(dialect, &line[..at], is_list);
                proptest::prop_assert!(line.is_char_boundary(word.start));
                for (path, goes_on) in by_folder(&paths, &word.typed) {
                    word.write(dialect, &path, goes_on, is_list);
                }
            }
        }
    }
}
