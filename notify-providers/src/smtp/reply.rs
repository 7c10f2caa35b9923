//! Replies of the server (RFC 5321 §4.2), read with bounds: a server cannot make us hold more than
//! 64 KiB.

use std::io;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The longest line of a reply, in bytes. RFC 5321 §4.5.3.1.5 allows 512; real servers write links
/// into refusals.
const MAX_LINE: usize = 4 * 1024;
/// The longest reply, in bytes.
const MAX_REPLY: usize = 64 * 1024;

/// A complete reply.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    /// Without the code; several lines are joined by line feeds.
    pub(super) text: String,
}

impl Reply {
    /// 2yz: done.
    pub(super) const fn is_positive(&self) -> bool {
        self.code / 100 == 2
    }
}

/// Why no reply could be read. Afterwards the connection is of no use.
#[derive(Debug)]
pub(super) enum NoReply {
    /// The server closed the connection.
    Closed,
    /// The connection broke.
    Io(#[expect(dead_code, reason = "for Debug; the fault says lost either way")] io::Error),
    /// What came was not a reply, or longer than the bounds.
    Malformed,
}

/// Bytes from the server that were not yet read as replies.
#[derive(Debug, Default)]
pub(super) struct Replies {
    buffer: Vec<u8>,
    taken: usize,
}

impl Replies {
    /// Whether the server said something that nobody asked for.
    pub(super) fn has_leftover(&self) -> bool {
        self.taken < self.buffer.len()
    }

    /// The next reply.
    pub(super) async fn next<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
    ) -> Result<Reply, NoReply> {
        let mut reply: Option<Reply> = None;
        let mut size = 0;
        loop {
            let line = self.line(stream).await?;
            size += line.len();
            let (code, last, text) = parse(line).ok_or(NoReply::Malformed)?;
            let reply = match &mut reply {
                None => reply.insert(Reply { code, text }),
                Some(reply) if reply.code == code && size <= MAX_REPLY => {
                    reply.text.push('\n');
                    reply.text.push_str(&text);
                    reply
                }
                Some(_) => return Err(NoReply::Malformed),
            };
            if last {
                return Ok(Reply {
                    code: reply.code,
                    text: std::mem::take(&mut reply.text),
                });
            }
        }
    }

    /// The next line without its line end.
    async fn line<S: AsyncRead + Unpin>(&mut self, stream: &mut S) -> Result<&[u8], NoReply> {
        if !self.has_leftover() {
            self.buffer.clear();
            self.taken = 0;
        }
        let mut searched = self.taken;
        loop {
            if let Some(at) = self.buffer[searched..].iter().position(|b| *b == b'\n') {
                let (start, end) = (self.taken, searched + at);
                self.taken = end + 1;
                let line = &self.buffer[start..end];
                return Ok(line.strip_suffix(b"\r").unwrap_or(line));
            }
            searched = self.buffer.len();
            if searched - self.taken > MAX_LINE {
                return Err(NoReply::Malformed);
            }
            if self.taken > MAX_LINE {
                self.buffer.drain(..self.taken);
                searched -= self.taken;
                self.taken = 0;
            }
            self.buffer.reserve(MAX_LINE);
            match stream.read_buf(&mut self.buffer).await {
                Ok(0) => return Err(NoReply::Closed),
                Ok(_) => {}
                Err(error) => return Err(NoReply::Io(error)),
            }
        }
    }
}

/// Three digits, a hyphen where more lines follow, and text.
fn parse(line: &[u8]) -> Option<(u16, bool, String)> {
    let (digits, rest) = line.split_at_checked(3)?;
    if line.len() > MAX_LINE || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let code = digits
        .iter()
        .fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    let (last, text) = match rest.split_first() {
        None => (true, rest),
        Some((b' ', text)) => (true, text),
        Some((b'-', text)) => (false, text),
        Some(_) => return None,
    };
    (200..600)
        .contains(&code)
        .then(|| (code, last, String::from_utf8_lossy(text).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(bytes: &[u8]) -> (Result<Reply, NoReply>, Replies) {
        let mut replies = Replies::default();
        let mut stream = bytes;
        (replies.next(&mut stream).await, replies)
    }

    #[tokio::test]
    async fn a_reply_of_several_lines_is_one_reply() {
        let (reply, replies) =
            read(b"250-mail.example.com\r\n250-PIPELINING\r\n250 SIZE 10\r\n").await;
        assert_eq!(
            reply.expect("reads"),
            Reply {
                code: 250,
                text: "mail.example.com\nPIPELINING\nSIZE 10".to_owned()
            }
        );
        assert!(!replies.has_leftover());
    }

    #[tokio::test]
    async fn what_follows_a_reply_stays_for_the_next() {
        let mut replies = Replies::default();
        let mut stream: &[u8] = b"250 ok\n550 no\r\n354\r\n220 x";
        for (code, text) in [(250, "ok"), (550, "no"), (354, "")] {
            let reply = replies.next(&mut stream).await.expect("reads");
            assert_eq!((reply.code, reply.text.as_str()), (code, text));
        }
        assert!(replies.has_leftover());
        assert!(matches!(
            replies.next(&mut stream).await,
            Err(NoReply::Closed)
        ));
    }

    #[tokio::test]
    async fn what_is_no_reply_is_refused() {
        for bad in [
            "hello\r\n",
            "25\r\n",
            "250_x\r\n",
            "999 x\r\n",
            "100 x\r\n",
            "250-a\r\n550 b\r\n",
            "\r\n",
            "2\u{e9}0 x\r\n",
        ] {
            assert!(
                matches!(read(bad.as_bytes()).await.0, Err(NoReply::Malformed)),
                "{bad}"
            );
        }
        assert!(matches!(read(b"").await.0, Err(NoReply::Closed)));
    }

    #[tokio::test]
    async fn an_endless_line_and_an_endless_reply_are_cut_off() {
        let (line, replies) = read(&vec![b'2'; 1024 * 1024]).await;
        assert!(matches!(line, Err(NoReply::Malformed)));
        assert!(replies.buffer.len() <= 4 * MAX_LINE);
        let endless = "250-abc\r\n".repeat(100_000);
        let (reply, replies) = read(endless.as_bytes()).await;
        assert!(matches!(reply, Err(NoReply::Malformed)));
        assert!(replies.buffer.len() <= 4 * MAX_LINE);
    }
}
