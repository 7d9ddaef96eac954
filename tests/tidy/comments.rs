//! What a doc comment has to be.

use potok_tests::files_below;

/// A comment of fewer words repeats the name beside it.
const WORDS_MIN: usize = 3;

/// Where whoever looks for their way reads.
const FOLDERS: [&str; 3] = ["core/src", "app/src", "tracker-bin/src"];

/// The line numbers and texts of the doc comments of items, without those of tests.
fn doc_comments(text: &str) -> Vec<(usize, String)> {
    let mut comments: Vec<(usize, String)> = Vec::new();
    let mut goes_on = false;
    for (number, line) in (1..).zip(text.lines().take_while(|line| *line != "#[cfg(test)]")) {
        match line.trim_start().strip_prefix("///") {
            Some(words) if goes_on => comments.last_mut().expect("it goes on").1.push_str(words),
            Some(words) => comments.push((number, words.to_owned())),
            None => {}
        }
        goes_on = line.trim_start().starts_with("///");
    }
    comments
}

#[test]
fn a_doc_comment_says_something() {
    let (mut seen, mut silent) = (0, Vec::new());
    for path in FOLDERS.iter().flat_map(|folder| files_below(folder, "rs")) {
        let text = std::fs::read_to_string(&path).expect("read");
        for (number, comment) in doc_comments(&text) {
            seen += 1;
            // A piece of grammar says everything: `quit`.
            if comment.split_whitespace().count() < WORDS_MIN && !comment.contains('`') {
                silent.push(format!("{}:{number}:{comment}", path.display()));
            }
        }
    }
    assert!(seen > 1000, "the search itself is broken: {seen} comments found");
    assert!(silent.is_empty(), "these say nothing:\n{}", silent.join("\n"));
}
