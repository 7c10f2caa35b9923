//! One mail over an open connection: `MAIL`, `RCPT`, `DATA`, the mail, and what the server says to
//! it.

use notify_core::provider::{Fault, Progress};
use std::fmt::Write as _;
use tokio::io::AsyncWriteExt as _;

use super::{Session, refusal};
use crate::mime::Mail;
use crate::smtp::fault::Stage;
use crate::smtp::reply::{NoReply, Reply};

/// How much of a mail is written together with its final dot. What goes before cannot have been
/// taken for a mail.
const LAST_WRITE: usize = 64 * 1024;

/// Why a mail was not sent, and whether the connection was to blame.
pub(in crate::smtp) struct Failure {
    pub(in crate::smtp) fault: Fault,
    /// The server closed the connection before anything of the mail was written: another
    /// connection may be tried.
    pub(in crate::smtp) closed_before_mail: bool,
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self {
            fault,
            closed_before_mail: false,
        }
    }
}

/// `MAIL` and `RCPT`, and what must be known about them.
struct Commands {
    /// An earlier transaction must be put away first.
    reset: bool,
    from: String,
    to: String,
    own_sender: bool,
}

impl Session {
    /// Sends one mail. Afterwards, [`is_usable`](Self::is_usable) says whether the connection can
    /// take another.
    ///
    /// When the future is dropped on the way, it cannot.
    pub(in crate::smtp) async fn deliver(
        &mut self,
        mail: &Mail,
        progress: &Progress,
    ) -> Result<(), Failure> {
        let commands = self.commands(mail)?;
        self.usable = false;
        self.mails += 1;
        if self.extensions.pipelining {
            self.begin_at_once(&commands).await?;
        } else {
            self.begin_step_by_step(&commands).await?;
        }
        self.finish(mail, progress).await
    }

    /// The commands for one mail; a request fault if the server has said that it cannot take it.
    fn commands(&self, mail: &Mail) -> Result<Commands, Fault> {
        let size = mail.bytes.len() as u64;
        if self.extensions.size.is_some_and(|max| size > max) {
            return Err(Fault::request("5.3.4"));
        }
        // Bodies are encoded: what is not ASCII is an address, in the envelope or in a header (RFC
        // 6531 §3.4).
        let paths = [&mail.sender, &mail.recipient];
        let utf8 = !mail.bytes.is_ascii() || paths.iter().any(|path| !path.as_str().is_ascii());
        if utf8 && !self.extensions.utf8 {
            return Err(Fault::request("smtputf8_missing"));
        }
        let mut from = format!("MAIL FROM:<{}>", mail.sender.as_str());
        if self.extensions.announces_size {
            write!(from, " SIZE={size}").expect("a String takes every write");
        }
        if utf8 && self.extensions.eight_bit {
            from.push_str(" BODY=8BITMIME");
        }
        if utf8 {
            from.push_str(" SMTPUTF8");
        }
        from.push_str("\r\n");
        let to = format!("RCPT TO:<{}>\r\n", mail.recipient.as_str());
        Ok(Commands {
            reset: self.open_transaction,
            from,
            to,
            own_sender: mail.own_sender,
        })
    }

    /// `MAIL`, `RCPT` and `DATA` in one write and one round trip (RFC 2920).
    async fn begin_at_once(&mut self, commands: &Commands) -> Result<(), Failure> {
        let reset = if commands.reset { "RSET\r\n" } else { "" };
        let group = format!("{reset}{}{}DATA\r\n", commands.from, commands.to);
        self.write(group.as_bytes())
            .await
            .map_err(|_| closed(&NoReply::Closed))?;
        if commands.reset {
            self.reset().await?;
        }
        let mut refused: Option<Fault> = None;
        let mut last = 0;
        for stage in [Stage::Mail, Stage::Rcpt, Stage::Data] {
            let reply = match self.replies.next(&mut self.stream).await {
                Ok(reply) => reply,
                // A server that refuses and hangs up has refused.
                Err(lost) => return Err(refused.map_or_else(|| closed(&lost), Failure::from)),
            };
            last = reply.code;
            if refused.is_none() && last == 421 {
                return Err(shutting_down(stage, &reply, commands));
            }
            if refused.is_none() && !grants(stage, &reply) {
                refused = Some(refusal(stage, &reply, commands.own_sender));
            }
        }
        match refused {
            None => Ok(()),
            Some(fault) => {
                self.end_refused(last).await;
                Err(fault.into())
            }
        }
    }

    /// Puts the connection in order after a refusal; `data` is the reply code to `DATA`.
    async fn end_refused(&mut self, data: u16) {
        if data == 354 {
            // The server waits for a mail to nobody (RFC 2920 §3.1): an empty one ends it.
            let ended = self.write(b".\r\n").await.is_ok();
            self.usable = ended
                && self
                    .replies
                    .next(&mut self.stream)
                    .await
                    .is_ok_and(|reply| reply.code != 421);
            self.open_transaction = false;
        } else {
            self.usable = data != 421;
            self.open_transaction = true;
        }
    }

    /// One command at a time, for servers that do not say that they can do more.
    async fn begin_step_by_step(&mut self, commands: &Commands) -> Result<(), Failure> {
        if commands.reset {
            self.write(b"RSET\r\n")
                .await
                .map_err(|_| closed(&NoReply::Closed))?;
            self.reset().await?;
        }
        let steps = [
            (Stage::Mail, commands.from.as_str()),
            (Stage::Rcpt, commands.to.as_str()),
            (Stage::Data, "DATA\r\n"),
        ];
        for (stage, command) in steps {
            self.write(command.as_bytes())
                .await
                .map_err(|_| closed(&NoReply::Closed))?;
            let reply = self
                .replies
                .next(&mut self.stream)
                .await
                .map_err(|lost| closed(&lost))?;
            if reply.code == 421 {
                return Err(shutting_down(stage, &reply, commands));
            }
            if !grants(stage, &reply) {
                // After a 354 in the wrong place nobody knows what the server waits for.
                self.usable = reply.code != 354;
                return Err(refusal(stage, &reply, commands.own_sender).into());
            }
            self.open_transaction = true;
        }
        Ok(())
    }

    /// Reads the reply to `RSET`. A server that cannot even forget is no server to talk to.
    async fn reset(&mut self) -> Result<(), Failure> {
        match self.replies.next(&mut self.stream).await {
            Ok(reply) if reply.is_positive() => self.open_transaction = false,
            Ok(_) => return Err(closed(&NoReply::Malformed)),
            Err(lost) => return Err(closed(&lost)),
        }
        Ok(())
    }

    /// Writes the mail and its final dot, and reads whether it was taken.
    async fn finish(&mut self, mail: &Mail, progress: &Progress) -> Result<(), Failure> {
        if self.replies.has_leftover() {
            // What comes before the mail cannot be the answer to it.
            return Err(Fault::provider("bad_reply").into());
        }
        let wire = stuffed(&mail.bytes);
        let (head, tail) = wire.split_at(wire.len().saturating_sub(LAST_WRITE));
        if !head.is_empty() && self.stream.write_all(head).await.is_err() {
            // A server that has read enough says so and closes: then its reply is the answer.
            return Err(match self.replies.next(&mut self.stream).await {
                Ok(reply) => refusal(Stage::Body, &reply, mail.own_sender).into(),
                Err(_) => Fault::provider("connection_lost").into(),
            });
        }
        // From here on the final dot may arrive, and with it the server's responsibility (RFC 5321
        // §4.1.1.4); if the reply is lost, nobody knows whether the mail was taken (RFC
        // 1047).
        progress.writing();
        let written = self.write(tail).await.is_ok();
        match self.replies.next(&mut self.stream).await {
            Ok(reply) if reply.is_positive() && written => {
                self.open_transaction = false;
                self.usable = true;
                Ok(())
            }
            Ok(reply) if reply.code >= 400 => {
                self.open_transaction = false;
                self.usable = written && reply.code != 421;
                Err(refusal(Stage::Body, &reply, mail.own_sender).into())
            }
            Ok(_) | Err(NoReply::Malformed) => Err(Fault::unknown("bad_reply").into()),
            Err(NoReply::Closed | NoReply::Io(_)) => Err(Fault::unknown("connection_lost").into()),
        }
    }
}

/// Whether the session goes on.
fn grants(stage: Stage, reply: &Reply) -> bool {
    if stage == Stage::Data {
        reply.code == 354
    } else {
        reply.is_positive()
    }
}

/// The connection ended before the mail was written.
fn closed(lost: &NoReply) -> Failure {
    let code = if matches!(lost, NoReply::Malformed) {
        "bad_reply"
    } else {
        "connection_lost"
    };
    Failure {
        fault: Fault::provider(code),
        closed_before_mail: true,
    }
}

/// 421: the server closes the connection, because it was idle for too long or for a reason of its
/// own.
fn shutting_down(stage: Stage, reply: &Reply, commands: &Commands) -> Failure {
    Failure {
        fault: refusal(stage, reply, commands.own_sender),
        closed_before_mail: true,
    }
}

/// The mail as it goes over the wire: dots at the beginning of lines doubled, and the final dot
/// (RFC 5321 §4.5.2).
///
/// `mail` has no line end but CRLF, and ends in one: so no other bytes can be taken for the end.
fn stuffed(mail: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(mail.len() + mail.len() / 64 + 8);
    for line in mail.split_inclusive(|b| *b == b'\n') {
        if line.first() == Some(&b'.') {
            wire.push(b'.');
        }
        wire.extend_from_slice(line);
    }
    wire.extend_from_slice(b".\r\n");
    wire
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_at_the_beginning_of_a_line_is_doubled() {
        assert_eq!(
            stuffed(b".a\r\nb.\r\n.\r\n..c\r\n"),
            b"..a\r\nb.\r\n..\r\n...c\r\n.\r\n"
        );
    }
}
