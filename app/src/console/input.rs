//! Where command lines come from: `-c`, standard input, or the prompt. Each is a thread or a list behind one channel,
//! so that the console can listen to its engine and to signals meanwhile.

use std::io::{self, BufRead, BufReader, Read};

use crossbeam_channel::{Receiver, Sender};

use crate::command_line::completion::Want;
use crate::command_line::{BadLine, COMMAND_BYTES_MAX};

/// So much of standard input is read at a time. The whole lines in it are known together, and those of a kind can be carried
/// out together.
const READ_AHEAD_BYTES: usize = 64 * 1024;

/// One line, or why it is none.
pub type InputLine = Result<String, BadLine>;

/// A source of lines. It ends when [`ConsoleInput::lines`] is closed.
#[derive(Debug)]
pub struct ConsoleInput {
    /// The lines, in order; those that were there together come together.
    pub lines: Receiver<Vec<InputLine>>,
    /// What completion would like to know.
    pub wants: Receiver<Want>,
    /// The prompt shows itself when it is asked for a line.
    pub ready: Option<Sender<()>>,
}

impl ConsoleInput {
    /// Given commands, then the end.
    pub fn of_commands(commands: Vec<String>) -> Self {
        let (sender, lines) = crossbeam_channel::bounded(1);
        // There is room for them.
        let _ = sender.try_send(commands.into_iter().map(Ok).collect());
        Self { lines, wants: crossbeam_channel::never(), ready: None }
    }

    /// Standard input, read by a thread of its own, a buffer ahead.
    pub fn of_stdin() -> io::Result<Self> {
        let (sender, lines) = crossbeam_channel::bounded(1);
        std::thread::Builder::new().name("stdin".into()).spawn(move || {
            read_lines(&mut BufReader::with_capacity(READ_AHEAD_BYTES, io::stdin().lock()), &sender);
        })?;
        Ok(Self { lines, wants: crossbeam_channel::never(), ready: None })
    }

    /// Asks for the next line.
    pub fn ask_for_line(&self) {
        if let Some(ready) = &self.ready {
            // A prompt that is gone shows as closed lines.
            let _ = ready.try_send(());
        }
    }
}

fn read_lines(source: &mut BufReader<impl Read>, lines: &Sender<Vec<InputLine>>) {
    let mut is_first = true;
    while let Ok(Some(mut line)) = read_line(source) {
        if let (true, Ok(text)) = (is_first, &mut line) {
            // Windows shells begin a pipe with a byte order mark.
            *text = text.strip_prefix('\u{feff}').unwrap_or(text).to_owned();
        }
        is_first = false;
        let mut together = vec![line];
        // Whoever writes a line and waits for its answer is not waited for.
        while source.buffer().contains(&b'\n')
            && let Ok(Some(line)) = read_line(source)
        {
            together.push(line);
        }
        if lines.send(together).is_err() {
            return;
        }
    }
}

/// The next line without its end. `None` at the end of the input.
fn read_line(source: &mut impl BufRead) -> io::Result<Option<InputLine>> {
    let most = u64::try_from(COMMAND_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    if source.by_ref().take(most).read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    } else if bytes.len() > COMMAND_BYTES_MAX {
        source.skip_until(b'\n')?;
        return Ok(Some(Err(BadLine::TooLong)));
    }
    Ok(Some(String::from_utf8(bytes).map_err(|_not_utf8| BadLine::NotText)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Vec<InputLine> {
        let (sender, lines) = crossbeam_channel::bounded(100);
        read_lines(&mut io::BufReader::with_capacity(7, bytes), &sender);
        drop(sender);
        lines.iter().flatten().collect()
    }

    #[test]
    fn reads_lines_whatever_is_in_them() {
        let line = |text: &str| Ok(text.to_owned());
        assert_eq!(read(b""), []);
        assert_eq!(read(b"a\n\nb\r\nlast"), [line("a"), line(""), line("b\r"), line("last")]);
        assert_eq!(read(b"a\xff\nb\n"), [Err(BadLine::NotText), line("b")]);
        assert_eq!(read("\u{feff}a\n\u{feff}b\n".as_bytes()), [line("a"), line("\u{feff}b")]);
    }

    #[test]
    fn lines_that_are_there_together_come_together() {
        let (sender, lines) = crossbeam_channel::bounded(100);
        read_lines(&mut io::BufReader::with_capacity(8, &b"a\nb\nlonger\nc\nd"[..]), &sender);
        let sizes = |lines: Vec<InputLine>| lines.into_iter().map(|line| line.expect("a line")).collect::<Vec<_>>();
        drop(sender);
        let together: Vec<Vec<String>> = lines.iter().map(sizes).collect();
        assert_eq!(together, [vec!["a", "b"], vec!["longer", "c"], vec!["d"]], "nothing waits for the rest of a line");
    }

    #[test]
    fn a_line_without_end_is_refused_and_the_next_one_read() {
        let mut endless = vec![b'a'; COMMAND_BYTES_MAX + 10];
        endless.extend(b"\nb\n");
        assert_eq!(read(&endless), [Err(BadLine::TooLong), Ok("b".to_owned())]);
        let mut longest = vec![b'a'; COMMAND_BYTES_MAX];
        longest.push(b'\n');
        assert!(matches!(read(&longest).as_slice(), [Ok(line)] if line.len() == COMMAND_BYTES_MAX));
    }
}
